"""`rokuon inventory`: what it finds in a folder, what it says of it, and its exit codes."""

import os
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from rokuon.accounts.models import AuditEntry
from rokuon.ledger.inventory_models import InventoryFinding, InventoryPass, InventorySchedule
from rokuon.ledger.models import Copy, Hold
from rokuon.org.models import Bucket, Company, Office, Target
from tests.audio import length_ms, mp3
from tests.console.copies import add_copy

from .conftest import Answer, Rokuon

NUMBER = 6


@dataclass
class Filled:
    rokuon: Rokuon
    bucket: Bucket
    root: Path

    def __call__(self, *line: str, **environment: str) -> Answer:
        return self.rokuon("inventory", *line, **environment)

    def add(self, target: Target, number: int) -> Copy:
        copy = add_copy(target, self.bucket, number, data=mp3(number), audio_ms=length_ms())
        self.file(copy).parent.mkdir(parents=True, exist_ok=True)
        self.file(copy).write_bytes(mp3(number))
        # As an installation in use has them: verified before the inventory begins, and by the file that is there.
        found = self.file(copy).stat()
        Copy.objects.filter(pk=copy.pk).update(
            version=f"{found.st_ino}-{found.st_mtime_ns}", changed_at=copy.changed_at - timedelta(days=40)
        )
        return copy

    def file(self, copy: Copy) -> Path:
        return self.root / copy.key


@pytest.fixture
def filled(desk: Rokuon) -> Filled:
    """A company with a verified bucket and 6 recordings in it."""
    company = Company.objects.create(name="Acme", base_url="https://acme.example", dialpad_id="1")
    office = Office.objects.create(company=company, dialpad_id="1", name="Tokyo", timezone="Asia/Tokyo")
    target = Target.objects.create(company=company, office=office, kind="callcenter", dialpad_id="11", name="Sales", backed_up=True)
    assert desk("bucket", "add", desk.folder("main")).code == 0
    found = Filled(desk, Bucket.objects.get(), desk.data / "buckets" / "main")
    for number in range(NUMBER):
        found.add(target, number)
    return found


def test_a_bucket_in_order_is_said_to_be_compared_as_a_whole(filled: Filled) -> None:
    answer = filled()
    assert answer.code == 0, answer.err
    assert "Whole bucket compared" in answer.out and "not known" in answer.out
    one = InventoryPass.objects.get()
    assert (one.state, one.sights["in_order"], one.by) == ("finished", NUMBER, "command line")
    assert InventorySchedule.objects.get().due_at >= one.started_at + timedelta(days=1)


def test_it_speaks_japanese(filled: Filled) -> None:
    filled.file(Copy.objects.all()[0]).unlink()
    answer = filled(LANG="ja_JP.UTF-8")
    assert "棚卸し" in answer.out and "なくなっている録音" in answer.out, answer.out


def test_a_missing_and_a_changed_recording_and_a_stray_are_open_findings(filled: Filled) -> None:
    missing, changed, *_ = Copy.objects.order_by("pk")
    filled.file(missing).unlink()
    filled.file(changed).write_bytes(b"\0" + mp3(1)[1:])
    (filled.root / "call-recordings" / "notes.txt").write_text("x")
    answer = filled("--json")
    assert answer.code == 1
    found = answer.json
    assert {(one["kind"], one["found"], one["open"]) for one in found["kinds"]} == {("missing", 1, 1), ("changed", 1, 1), ("stray", 1, 1)}
    by_kind = {one["kind"]: one for one in found["open_findings"]}
    assert by_kind["missing"]["recording"]["id"] == missing.pk
    assert by_kind["missing"]["evidence"]["noncurrent"] == "not known"
    assert by_kind["changed"]["evidence"]["read"]["sha256"] != changed.sha256
    assert by_kind["stray"]["path"] == "call-recordings/notes.txt"
    assert dict(Copy.objects.filter(state="failed").values_list("pk", "reason")) == {
        missing.pk: "inventory_missing",
        changed.pk: "inventory_changed",
    }
    said = filled("--last")
    assert said.code == 1 and missing.key in said.out and "Missing" in said.out


def test_only_closed_and_explained_findings_end_with_0(filled: Filled) -> None:
    filled.file(Copy.objects.order_by("pk")[0]).unlink()
    assert filled().code == 1
    assert filled.rokuon("close", "--reason", "inventory_missing", "--note", "Removed on request").code == 0
    assert filled("--last").code == 0


def test_a_file_that_was_written_anew_with_the_same_bytes_stays_verified(filled: Filled) -> None:
    copy = Copy.objects.order_by("pk")[0]
    data = filled.file(copy).read_bytes()
    filled.file(copy).unlink()
    filled.file(copy).write_bytes(data)
    os.utime(filled.file(copy), (1_700_000_000, 1_700_000_000))
    answer = filled("--json")
    assert (answer.code, [one["kind"] for one in answer.json["kinds"]]) == (0, ["rewritten"])
    assert Copy.objects.filter(state="verified").count() == NUMBER


def test_the_last_pass_is_shown_without_looking_at_the_bucket(filled: Filled) -> None:
    assert filled("--last").code == 1, "there was none"
    assert "no inventory" in filled("--last").out
    filled()
    shutil.rmtree(filled.root)
    assert filled("--last").code == 0
    assert InventoryPass.objects.count() == 1


def test_an_emptied_bucket_changes_no_row_and_is_held(filled: Filled) -> None:
    away = filled.root.with_name("away")
    filled.root.rename(away)
    filled.root.mkdir()
    answer = filled()
    assert answer.code == 1 and "bucket_unmarked" in answer.err, answer.err
    assert Copy.objects.filter(state="verified").count() == NUMBER
    assert Hold.objects.get(lifted_at=None).reason == "bucket_unmarked"
    assert InventoryFinding.objects.get().kind == "bucket"
    assert filled("--last").code == 1


def test_much_that_is_missing_holds_the_bucket_until_a_person_decides(filled: Filled) -> None:
    target = Target.objects.get()
    for number in range(NUMBER, 110):
        filled.add(target, number)
    for copy in Copy.objects.order_by("pk")[:105]:
        filled.file(copy).rename(filled.file(copy).with_suffix(".kept"))
    answer = filled()
    assert answer.code == 1 and "inventory_stopped" in answer.err and "105 of 110" in answer.err
    assert Copy.objects.filter(state="verified").count() == 110
    assert Hold.objects.get(lifted_at=None).reason == "inventory_stopped"
    assert filled.rokuon("bucket", "verify", filled.bucket.url).code == 0
    assert Hold.objects.get(lifted_at=None).reason == "inventory_stopped", "that one can write there says nothing"
    assert filled("--accept-missing").code == 2, "it asks first"
    for path in filled.root.rglob("*.kept"):
        path.rename(path.with_suffix(".mp3"))
    assert filled().code == 0
    assert not Hold.objects.filter(lifted_at=None).exists()
    assert InventoryFinding.objects.get(kind="bucket").over_at is not None


def test_a_person_may_accept_that_much_is_really_missing(filled: Filled) -> None:
    target = Target.objects.get()
    for number in range(NUMBER, 110):
        filled.add(target, number)
    for copy in Copy.objects.order_by("pk")[:105]:
        filled.file(copy).unlink()
    assert filled().code == 1
    assert filled("--accept-missing", "--yes").code == 1
    assert Copy.objects.filter(state="failed", reason="inventory_missing").count() == 105
    assert not Hold.objects.filter(lifted_at=None).exists()
    assert AuditEntry.objects.filter(action="inventory.accept").count() == 1


def test_a_declared_rule_explains_what_is_old_enough(filled: Filled) -> None:
    old, young = Copy.objects.order_by("pk")[:2]
    Copy.objects.filter(pk=young.pk).update(changed_at=old.changed_at + timedelta(days=39))
    assert filled.rokuon("bucket", "declare", filled.bucket.url, "--deletes-after", "30d").code == 0
    for copy in (old, young):
        filled.file(copy).unlink()
    assert filled().code == 1
    assert dict(Copy.objects.exclude(state="verified").values_list("pk", "reason")) == {
        old.pk: "expired_by_bucket_rule",
        young.pk: "inventory_missing",
    }
    assert "as declared by the command line" in filled("--last").out
    assert AuditEntry.objects.get(action="bucket.declare").after == {"deletes_after_days": 30}
    assert filled.rokuon("bucket", "declare", filled.bucket.url, "--deletes-after", "never").code == 0
    assert InventorySchedule.objects.get().deletes_after_days is None


@pytest.mark.parametrize("days", ["0d", "soon", "-3", "99999d", ""])
def test_an_age_that_means_nothing_is_refused(filled: Filled, days: str) -> None:
    assert filled.rokuon("bucket", "declare", filled.bucket.url, "--deletes-after", days).code == 2
    assert not InventorySchedule.objects.exists()


@pytest.mark.parametrize("line", [("--last", "--accept-missing"), ("--bucket", "gs://other")])
def test_what_means_nothing_is_refused(filled: Filled, line: tuple[str, ...]) -> None:
    assert filled(*line).code == 2
    assert not InventoryPass.objects.exists()
