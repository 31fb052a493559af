"""`rokuon bucket restart` on a bucket that was emptied: refused with the figures, and done with a note."""

import shutil

from rokuon.accounts.models import AuditEntry
from rokuon.ledger.models import Copy

from .filled import NUMBER, Filled, filled

__all__ = ["filled"]


def emptied(filled: Filled) -> None:
    shutil.rmtree(filled.root / "call-recordings")


def test_an_emptied_bucket_is_refused_with_the_figures_until_a_note_says_why(filled: Filled) -> None:
    emptied(filled)
    url, run = filled.bucket.url, filled.rokuon
    refused = run("bucket", "verify", url, "--no-wait")
    assert (refused.code, "[bucket_objects_missing] (10 of 10)" in refused.err) == (2, True), refused.err
    asked = run("bucket", "restart", url)
    assert (asked.code, "say why with --note" in asked.err) == (2, True)
    assert "the newest, the oldest and some that were drawn by lot: 10 of 10 are not there." in asked.out
    silent = run("bucket", "restart", url, "--yes")
    assert (silent.code, "10 of the 10 recordings that Rokuon looked for are not there" in silent.err) == (2, True), silent.err
    assert not (filled.root / "call-recordings").exists()
    done = run("bucket", "restart", url, "--yes", "--note", "moved to a new disk")
    assert (done.code, f"Of {NUMBER} recordings that counted as verified, {NUMBER} are not there" in done.out) == (0, True), done.err
    assert AuditEntry.objects.get(action="bucket.restart").after["note"] == "moved to a new disk"
    assert set(Copy.objects.values_list("state", flat=True)) == {"failed"}
    (listed,) = run("bucket", "list", "--json").json
    assert (len(listed["identity"]), listed["marked_at"] is not None) == (32, True)


def test_the_figures_and_the_way_on_are_said_in_japanese_too(filled: Filled) -> None:
    emptied(filled)
    silent = filled.rokuon("bucket", "restart", filled.bucket.url, "--yes", ROKUON_LANGUAGE="ja")
    assert (silent.code, "録音 10 件のうち 10 件が見つかりません" in silent.err) == (2, True), silent.err
