"""`rokuon certificate`: the same figures as the verifier's, what is not known said first, and an entry for each export."""

import csv
import json
from datetime import timedelta
from pathlib import Path

import pytest

from rokuon.accounts.models import AuditEntry
from rokuon.custody import sshsig
from rokuon.custody.models import SigningKey
from rokuon.ledger.models import Copy
from rokuon.org.models import Bucket
from tests.custody.backed_up import seal
from tests.custody.rig import PROVEN
from tests.custody.shipped import prove
from tests.e2e.conftest import rig_of
from tests.e2e.rig import Rig

from .conftest import Rokuon
from .sealed import days, rig, rokuon

__all__ = ["days", "rig", "rig_of", "rokuon"]


def test_after_a_seal_it_says_complete_and_the_verifier_comes_to_the_same_figures(rig: Rig, rokuon: Rokuon, days: tuple[str, ...]) -> None:
    seal(rig)
    answer = rokuon("certificate", *days)
    assert answer.code == 0, answer.out + answer.err
    for words in ("Complete: nothing is unaccounted for.", "Unaccounted: 0.", "Limits", "nor who spoke"):
        assert words in answer.out
    assert "\n! " not in answer.out
    said = rokuon("certificate", *days, "--json").json
    public = SigningKey.objects.get().public
    code, out = prove(rig.bucket_folder(), public, *days, "--json")
    result = json.loads(out.splitlines()[-1])
    assert code == PROVEN
    ours = said["sum"]
    assert (ours["verified"], ours["explained"], ours["unaccounted"]) == (result["verified"], result["explained"], result["open"])
    assert ours["recordings"] + ours["nothing_to_fetch"] == ours["verified"] + ours["explained"] + ours["unaccounted"]
    (bucket,) = said["buckets"]
    assert (bucket["seal"], bucket["fingerprint"], bucket["changed_since"]) == (1, sshsig.fingerprint(public), 0)
    assert prove(rig.bucket_folder(), public, "--head", f"1:{bucket['sha256']}")[0] == PROVEN


def test_before_a_seal_nothing_is_called_complete(rokuon: Rokuon, days: tuple[str, ...]) -> None:
    answer = rokuon("certificate", *days)
    assert answer.code == 1
    assert answer.out.index("it is not all sealed") < answer.out.index("\n! ") < answer.out.index("The sum")
    assert "recordings are stored in it, and it has no seal yet" in answer.out
    assert rokuon("certificate", *days, "--json").json["standing"] == "unsealed"


def test_days_that_were_not_listed_are_said_first(rig: Rig, rokuon: Rokuon) -> None:
    day = (rig.clock() - timedelta(days=400)).date().isoformat()
    answer = rokuon("certificate", "--from", day, "--to", day)
    assert answer.code == 1
    assert "Not known: part of Dialpad's list was not read." in answer.out
    assert "Dialpad's list was not read from end to end for" in answer.out
    assert rokuon("certificate", "--from", day, "--to", day, "--json").json["days"]["complete"] == 0


def test_a_failed_recording_is_unaccounted_until_a_person_closes_it(rig: Rig, rokuon: Rokuon, days: tuple[str, ...]) -> None:
    copy = Copy.objects.filter(state="verified").order_by("pk").first()
    assert copy is not None
    Copy.objects.filter(pk=copy.pk).update(state="failed", reason="recording_not_audio", proof="")
    seal(rig)
    answer = rokuon("certificate", *days)
    assert answer.code == 1
    assert "Not complete: 1 unaccounted for." in answer.out
    assert "Failed: not MP3 audio" in answer.out
    assert rokuon("close", str(copy.pk), "--note", "a test call").code == 0
    seal(rig)
    assert rokuon("certificate", *days, "--json").json["sum"]["unaccounted"] == 0


def test_it_speaks_japanese(rokuon: Rokuon, days: tuple[str, ...]) -> None:
    out = rokuon("certificate", *days, LANG="ja_JP.UTF-8").out
    for words in ("完全性証明書", "Dialpad が示した通話は", "未説明 0 件。", "この証明書の限界"):
        assert words in out


def test_the_table_has_a_row_for_each_target_and_day_and_each_export_is_in_the_audit_log(
    rokuon: Rokuon, outer: Path, days: tuple[str, ...]
) -> None:
    assert "Written to" in rokuon("certificate", *days, "--csv", "days.csv").out
    rows = list(csv.DictReader((outer / "days.csv").read_text(encoding="utf-8-sig").splitlines()))
    said = rokuon("certificate", *days, "--json").json
    assert len(rows) == said["days"]["all"]
    assert sum(int(row["Verified"]) for row in rows) == said["sum"]["verified"]
    entries = list(AuditEntry.objects.filter(action="certificate.export").order_by("pk"))
    assert [(one.after["form"], one.after["since"], one.actor) for one in entries] == [
        ("CSV", days[1], "command line"),
        ("JSON", days[1], "command line"),
    ]


def test_pdf_and_html_are_files_that_only_their_owner_reads(rokuon: Rokuon, outer: Path, days: tuple[str, ...]) -> None:
    answer = rokuon("certificate", *days, "--pdf", "one.pdf", "--html", "one.html")
    assert "Written to one.pdf, one.html." in answer.out
    assert (outer / "one.pdf").read_bytes().startswith(b"%PDF")
    assert "Unaccounted: 0." in (outer / "one.html").read_text()
    assert {(outer / name).stat().st_mode & 0o777 for name in ("one.pdf", "one.html")} == {0o600}
    assert rokuon("certificate", *days, "--pdf", "nowhere/one.pdf").code == 2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (("--from", "yesterday", "--to", "2026-11-01"), "is not a date"),
        (("--from", "2020-01-01", "--to", "2026-01-01"), "two years at most"),
        (("--from", "2026-10-02", "--to", "2026-10-01"), "is after the last date"),
        (("--from", "2026-10-01", "--to", "2026-10-02", "--target", "Nobody"), "no contact center"),
        (("--from", "2026-10-01"), "--to"),
    ],
)
def test_days_and_names_that_make_no_sense_are_refused_and_nothing_is_exported(rokuon: Rokuon, wrong: tuple[str, ...], says: str) -> None:
    answer = rokuon("certificate", *wrong, "--csv", "days.csv")
    assert answer.code == 2
    assert says in answer.err
    assert not AuditEntry.objects.filter(action="certificate.export").exists()


def test_one_target_is_certified_alone(rokuon: Rokuon, days: tuple[str, ...]) -> None:
    target = Copy.objects.select_related("target").order_by("pk")[0].target
    said = rokuon("certificate", *days, "--target", target.dialpad_id, "--json").json
    assert [one["target_id"] for one in said["targets"]] == [target.dialpad_id]
    assert said["sum"]["verified"] == Copy.objects.filter(target=target, state="verified").count()
    assert said["outside"] is None
    assert Bucket.objects.count() == 1


def test_two_files_of_one_name_and_a_file_on_standard_output_are_refused(rokuon: Rokuon, outer: Path, days: tuple[str, ...]) -> None:
    for asked in (("--pdf", "c", "--html", "c"), ("--pdf", "-"), ("--html", "-")):
        assert rokuon("certificate", *days, *asked).code == 2
    assert not [path.name for path in outer.iterdir() if path.is_file()]
