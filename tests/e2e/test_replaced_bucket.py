"""Another disk, or none, in place of a bucket: nothing is written there, and no missing recording is shown as verified."""

import json
import shutil
import uuid
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import AuditEntry
from rokuon.actions import buckets
from rokuon.actions.bucket_restart import NoteMissing, Restarted, restart_bucket
from rokuon.cli import bucket as bucket_command
from rokuon.cli.doctor import company as company_check
from rokuon.cli.doctor.check import Check, Level
from rokuon.cli.support.session import CliSession
from rokuon.domain.failures import StoreUnavailable
from rokuon.domain.ports import Jobs, StoredObject, TimeRange
from rokuon.jobs import queue
from rokuon.ledger.models import Copy, Hold
from rokuon.org.models import Bucket, Company
from rokuon.stores import registry
from rokuon.stores.folder_kind import FolderKind
from rokuon.stores.kind import StoreSettings
from rokuon.stores.local import LocalStore
from rokuon.stores.verification import Verification
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig

DAY_MS = 86_400_000


def bucket(rig: Rig) -> Bucket:
    return Bucket.objects.select_related("company").get(company=rig.company)


def verify(rig: Rig) -> Verification:
    return buckets.verify_bucket(rig.installation, bucket(rig), queue, COMMAND_LINE, rig.clock(), patience=0)


def doctor(rig: Rig) -> list[Check]:
    session = CliSession(rig.config, rig.installation)
    return [check for check in company_check.company_checks(session) if check.what.startswith("Bucket")]


def half_backed_up(rig: Rig) -> None:
    """Back up only the older half."""
    now = rig.sim.now()
    rig.back_up_now(wanted=TimeRange(now - 33 * DAY_MS, now - 15 * DAY_MS))
    assert rig.states()["verified"] >= 5


def unmount(rig: Rig) -> Path:
    disk = rig.bucket_folder().with_name("disk")
    rig.bucket_folder().rename(disk)
    rig.bucket_folder().mkdir()
    return disk


def mount(rig: Rig, disk: Path) -> None:
    shutil.rmtree(rig.bucket_folder())
    disk.rename(rig.bucket_folder())


def test_d4_an_unmounted_disk_takes_nothing_and_verifying_its_mount_point_is_refused(rig_of: MakeRig) -> None:
    rig = rig_of()
    half_backed_up(rig)
    kept = bucket(rig)
    assert kept.identity, "the first worker that opens a bucket remembers which it is"
    disk = unmount(rig)
    rig.back_up_now()
    found = verify(rig)
    assert not found.ok
    assert found.failure is not None
    assert (found.failure.reason, found.failure.detail) == ("bucket_objects_missing", f"{found.looked_for} of {found.looked_for}")
    assert found.looked_for >= 5
    assert [(hold.reason, hold.lifted_at) for hold in Hold.objects.all()] == [("bucket_unmarked", None)], "verifying lifted nothing"
    assert list(rig.bucket_folder().iterdir()) == []
    assert [check.level for check in doctor(rig)] == [Level.PROBLEM]
    mount(rig, disk)
    assert verify(rig).ok
    assert bucket(rig).identity == kept.identity
    rig.drain()
    rig.check()


def test_d4_a_mount_point_that_an_earlier_version_marked_takes_nothing_more(rig_of: MakeRig) -> None:
    rig = rig_of()
    half_backed_up(rig)
    text = f'{{"rokuon-company": "{rig.company.claim}", "rokuon-installation": "{rig.installation.identity}"}}'
    Bucket.objects.update(identity="")
    disk = unmount(rig)
    (rig.bucket_folder() / "call-recordings").mkdir()
    (rig.bucket_folder() / "call-recordings" / ".rokuon").write_text(text)
    rig.back_up_now()
    (hold,) = Hold.objects.all()
    assert hold.reason == "bucket_objects_missing"
    assert "of" in hold.detail
    assert [path.name for path in rig.bucket_folder().rglob("*") if path.is_file()] == [".rokuon"]
    mount(rig, disk)
    rig.pass_time(0.02)
    rig.pass_time(0.1)
    assert bucket(rig).identity
    rig.check()


def test_d4_another_disk_with_a_marker_of_its_own_is_not_the_bucket(rig_of: MakeRig) -> None:
    rig = rig_of()
    half_backed_up(rig)
    disk, marked = unmount(rig), bucket(rig)
    rig.run_async(lambda engine: rig._mark(engine, marked))
    rig.back_up_now()
    assert [hold.reason for hold in Hold.objects.all()] == ["bucket_replaced"]
    assert not verify(rig).ok
    assert rig.objects().keys() <= {"call-recordings/.rokuon"}
    mount(rig, disk)
    rig.pass_time(0.02)
    rig.check()


def test_doctor_looks_for_some_of_what_was_verified(rig_of: MakeRig) -> None:
    rig = rig_of()
    rig.back_up_now()
    (fine,) = doctor(rig)
    assert fine.level is Level.OK
    assert "10" in fine.says, "it says how many it looked for"
    newest = buckets.known(bucket(rig)).objects[0]
    (rig.bucket_folder() / newest.key).write_bytes(b"rot")
    (found,) = doctor(rig)
    assert (found.level, "1 of 10" in found.says) == (Level.PROBLEM, True)
    assert "rokuon bucket restart" in found.todo


NOTE = "The disk was replaced."


def restart(rig: Rig, note: str = NOTE, jobs: Jobs = queue) -> Restarted:
    return restart_bucket(rig.installation, bucket(rig), jobs, COMMAND_LINE, rig.clock(), note)


class Dying:
    """Jobs of a process that dies when it queues the first one."""

    def __getattr__(self, name: str) -> Any:
        raise Died(name)


class Died(Exception):
    pass


def test_d4_an_emptied_bucket_is_not_started_again_without_a_note_that_says_why(rig_of: MakeRig) -> None:
    rig = rig_of()
    half_backed_up(rig)
    before, disk = (rig.states(), bucket(rig).identity), unmount(rig)
    for nothing in ("", "  \0 "):
        with pytest.raises(NoteMissing, match=r"10 of the 10 recordings .* another bucket, or it was emptied"):
            restart(rig, nothing)
    assert list(rig.bucket_folder().iterdir()) == [], "not even a marker"
    assert (rig.states(), bucket(rig).identity) == before
    assert not AuditEntry.objects.filter(action="bucket.restart").exists()
    mount(rig, disk)
    assert restart(rig, "").missing == 0, "where everything is there, nothing has to be explained"


class LateToAnswer(LocalStore):
    """A folder that does not answer the first question about an object, once."""

    answers = True

    async def stat(self, key: str) -> StoredObject | None:
        if not LateToAnswer.answers:
            LateToAnswer.answers = True
            raise StoreUnavailable("reset")
        return await super().stat(key)


class LateKind(FolderKind):
    def open(self, url: str, credential: str | None, settings: StoreSettings) -> LocalStore:
        return LateToAnswer(self.folder(url, settings))


def test_d4_a_restart_whose_first_look_fails_marks_nothing_without_a_note(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of()
    half_backed_up(rig)
    before, disk = (rig.states(), bucket(rig).identity), unmount(rig)
    monkeypatch.setattr(registry, "KINDS", (LateKind(),))
    LateToAnswer.answers = False
    refused = restart(rig, "").verification
    assert refused.failure is not None
    assert (LateToAnswer.answers, refused.failure.reason) == (True, "bucket_objects_missing")
    assert list(rig.bucket_folder().iterdir()) == []
    assert (rig.states(), bucket(rig).identity) == before
    mount(rig, disk)


def test_d4_a_bucket_to_which_only_the_newest_recordings_were_copied_is_not_marked_again(rig_of: MakeRig) -> None:
    rig = rig_of()
    half_backed_up(rig)
    verified = Copy.objects.filter(state="verified").order_by("-pk")
    assert verified.count() > 12
    disk = unmount(rig)
    for copy in verified[: verified.count() - 1]:
        (rig.bucket_folder() / copy.key).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(disk / copy.key, rig.bucket_folder() / copy.key)
    refused = verify(rig)
    assert refused.failure is not None
    assert (refused.failure.reason, refused.failure.detail) == ("bucket_objects_missing", "1 of 10")
    assert not (rig.bucket_folder() / "call-recordings" / ".rokuon").exists()
    with pytest.raises(NoteMissing, match="1 of the 10"):
        restart(rig, "")
    oldest = verified[verified.count() - 1].key
    (rig.bucket_folder() / oldest).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(disk / oldest, rig.bucket_folder() / oldest)
    old = bucket(rig).identity
    assert verify(rig).ok, "with all of them it is the bucket"
    entry = AuditEntry.objects.filter(action="bucket.verify").latest("pk")
    assert entry.after == {"ok": True, "reason": "", "identity": bucket(rig).identity}
    assert bucket(rig).identity not in ("", old), "with a marker of its own, as the audit log says"
    assert verify(rig).ok
    assert "identity" not in AuditEntry.objects.filter(action="bucket.verify").latest("pk").after


def test_d4_a_restart_that_dies_between_the_marker_and_the_ledger_is_done_by_the_next_one(rig_of: MakeRig) -> None:
    rig = rig_of()
    half_backed_up(rig)
    before, old = rig.states()["verified"], bucket(rig).identity
    unmount(rig)
    rig.back_up_now()
    with pytest.raises(Died):
        restart(rig, jobs=cast("Jobs", Dying()))
    text = (rig.bucket_folder() / "call-recordings" / ".rokuon").read_text()
    assert (bucket(rig).identity, rig.states()["verified"]) == (old, before), "the ledger knows nothing of the new marker"
    rig.pass_time()
    assert Hold.objects.filter(lifted_at=None).exists(), "the marker is not the one that the ledger knows"
    assert not [name for name in rig.objects() if name.endswith(".mp3")]
    done = restart(rig)
    assert (done.verification.ok, done.missing) == (True, before)
    assert (rig.bucket_folder() / "call-recordings" / ".rokuon").read_text() == text, "the marker is the one that was left"
    assert bucket(rig).identity == json.loads(text)["rokuon-bucket"]
    assert not Hold.objects.filter(lifted_at=None).exists()


def test_d4_a_bucket_is_not_shared_by_two_installations_of_one_company(rig_of: MakeRig) -> None:
    """Each has a database of its own, so each made a claim of its own for the company."""
    rig = rig_of()
    half_backed_up(rig)
    claim, kept = rig.company.claim, bucket(rig).identity
    Company.objects.update(claim=uuid.uuid4())
    rig.back_up_now()
    assert [hold.reason for hold in Hold.objects.all()] == ["bucket_claimed_by_other"]
    for refused in (verify(rig), restart(rig).verification):
        assert refused.failure is not None
        assert refused.failure.reason == "bucket_claimed_by_other"
    assert bucket(rig).identity == kept
    Company.objects.update(claim=claim)
    assert verify(rig).ok


@pytest.mark.parametrize(
    "made", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00Z", "2026-11-30T20:15:00+23:59"]
)
def test_d4_a_marker_with_a_time_that_nobody_can_mean_hides_no_bucket(rig_of: MakeRig, made: str) -> None:
    """Whoever may write to the bucket can write it; the database and a page in another zone have no such time."""
    rig = rig_of()
    half_backed_up(rig)
    path = rig.bucket_folder() / "call-recordings" / ".rokuon"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rokuon-made": made}))
    assert verify(rig).ok
    assert bucket(rig).marked_at is None


def test_d4_a_bucket_started_again_calls_nothing_verified_that_is_not_there(rig_of: MakeRig) -> None:
    rig = rig_of()
    half_backed_up(rig)
    before, old = rig.states()["verified"], bucket(rig).identity
    disk = unmount(rig)
    kept = list(Copy.objects.filter(state="verified").order_by("pk")[:3])
    for copy in kept[:2]:
        (rig.bucket_folder() / copy.key).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(disk / copy.key, rig.bucket_folder() / copy.key)
    (rig.bucket_folder() / kept[2].key).parent.mkdir(parents=True, exist_ok=True)
    (rig.bucket_folder() / kept[2].key).write_bytes(b"another file")
    done = restart(rig)
    assert (done.verification.ok, done.verified, done.missing) == (True, before, before - 2)
    assert bucket(rig).identity not in ("", old)
    reasons = Counter(Copy.objects.filter(company=rig.company).values_list("state", "reason"))
    assert reasons == {("verified", ""): 2, ("failed", "object_missing"): before - 3, ("failed", "object_differs"): 1}
    entry = AuditEntry.objects.get(action="bucket.restart")
    assert entry.after == {"verified": before, "missing": before - 2, "note": NOTE}
    again = restart(rig, "")
    assert (again.verified, again.missing) == (2, 0), "it may be run again"
    (rig.bucket_folder() / kept[2].key).unlink()
    rig.back_up_now()
    rig.check()


def test_d4_a_restart_that_the_bucket_refuses_changes_nothing(rig_of: MakeRig) -> None:
    rig = rig_of()
    half_backed_up(rig)
    before = (rig.states(), bucket(rig).identity)
    disk = unmount(rig)
    (rig.bucket_folder() / "call-recordings").mkdir()
    marked = '{"rokuon-company": "someone else", "rokuon-installation": "x", "rokuon-bucket": "y"}'
    (rig.bucket_folder() / "call-recordings" / ".rokuon").write_text(marked)
    refused = restart(rig)
    assert refused.verification.failure is not None
    assert refused.verification.failure.reason == "bucket_claimed_by_other"
    shutil.rmtree(rig.bucket_folder())
    gone = restart(rig)
    assert gone.verification.failure is not None
    assert gone.verification.failure.reason == "bucket_missing"
    assert (rig.states(), bucket(rig).identity) == before
    assert not AuditEntry.objects.filter(action="bucket.restart").exists()
    disk.rename(rig.bucket_folder())


def test_the_command_says_what_a_restart_means_before_it_does_it(rig_of: MakeRig, capsys: pytest.CaptureFixture[str]) -> None:
    rig = rig_of()
    half_backed_up(rig)
    verified = rig.states()["verified"]
    unmount(rig)
    session = CliSession(rig.config, rig.installation)
    assert bucket_command._meaning(session, bucket(rig), as_json=False) == 2
    said = capsys.readouterr()
    assert f"{verified} recordings count as verified in this bucket." in said.out
    assert "10 of 10 are not there" in said.out
    assert "mount the disk" in said.out
    assert "Nothing was changed" in said.err
    assert rig.states()["verified"] == verified
    assert list(rig.bucket_folder().iterdir()) == []
