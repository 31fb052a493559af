"""`rokuon custody`, what doctor says of seals, and a ledger that is older than the seals in its bucket."""

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.accounts.models import AuditEntry
from rokuon.actions import buckets
from rokuon.base.secrets import Vault, new_key
from rokuon.cli.doctor.check import Level
from rokuon.cli.doctor.seals import seal_checks
from rokuon.cli.support.session import CliSession
from rokuon.custody import changes, names
from rokuon.custody.models import Dirty, Issue, Schedule, SealChain, SigningKey, Waiting
from rokuon.jobs import queue
from rokuon.jobs.tick import tick
from rokuon.ledger.models import Copy, Hold
from rokuon.org.models import Bucket
from rokuon.wiring.custody_keys import FIELD
from tests.custody.rig import NOT_PROVEN, PROVEN
from tests.custody.shipped import prove
from tests.e2e.conftest import rig_of
from tests.e2e.rig import Rig

from .conftest import Rokuon
from .sealed import rig, rokuon

__all__ = ["rig", "rig_of", "rokuon"]


@pytest.fixture
def url(rig: Rig) -> str:
    return Bucket.objects.get().url


@pytest.fixture
def behind(rokuon: Rokuon, url: str) -> None:
    """A ledger without the last of two seals, as an older dump has it."""
    for _ in range(2):
        assert rokuon("custody", "issue", url).code == 0
    Issue.objects.get(number=2).delete()


def seal_of(rig: Rig, chain: str, number: int) -> dict[str, object]:
    """The entry of a seal in the bucket."""
    data = (rig.bucket_folder() / names.seal(chain, number)).read_bytes()
    at = {"at": rig.clock(), "names_until": rig.clock(), "next_by": rig.clock() + timedelta(hours=26)}
    return {"sha256": hashlib.sha256(data).hexdigest(), "key": SigningKey.objects.get(), "files": 0, "totals": {}, **at}


def seals_in_doctor(rig: Rig) -> list[tuple[Level, str]]:
    checks = list(seal_checks(CliSession(rig.config, rig.installation), rig.company))
    assert all(check.todo for check in checks if check.level is not Level.OK)
    return [(check.level, check.says) for check in checks]


def test_a_seal_that_is_made_now_is_proven_by_the_program_and_the_fingerprint_that_are_printed(
    rig: Rig, rokuon: Rokuon, url: str, outer: Path
) -> None:
    before = rokuon("custody", "status", "--json")
    assert (before.code, before.json[0]["problem"]) == (1, "unsealed")
    assert "has no seal yet" in rokuon("custody", "status").out
    assert [level for level, _ in seals_in_doctor(rig)] == [Level.WARNING]
    made = rokuon("custody", "issue", url, "--json").json
    assert (made["seal"], made["days"] > 0) == (1, True)
    after = rokuon("custody", "status", "--json")
    assert (after.code, after.json[0]["sha256"], after.json[0]["verified"]) == (0, made["sha256"], rig.states()["verified"])
    assert made["sha256"] in rokuon("custody", "status").out
    assert seals_in_doctor(rig)[0][0] is Level.OK
    fingerprint = rokuon("custody", "fingerprint").out.strip()
    code, said = prove(rig.bucket_folder(), trust=fingerprint)
    assert code == PROVEN, said
    assert f"signed by {fingerprint} (trusted by you), SHA-256 {made['sha256']}" in said


def test_a_worker_seals_a_bucket_when_it_is_due_and_not_while_it_is_held(rig: Rig, rokuon: Rokuon) -> None:
    bucket = Bucket.objects.get()
    hold = Hold.objects.create(company=rig.company, on="bucket", ref=str(bucket.pk), reason="bucket_away", probe_at=rig.clock())
    tick(rig.clock())
    assert queue.without_job(queue.CUSTODY, "bucket_id", [bucket.pk]) == [bucket.pk]
    hold.delete()
    tick(rig.clock())
    tick(rig.clock())
    assert queue.without_job(queue.CUSTODY, "bucket_id", [bucket.pk]) == []
    rig.run_async(lambda engine: engine.custody(bucket.pk))
    assert Issue.objects.count() == 1


def test_an_overdue_seal_and_a_failed_one_are_named_with_what_to_do(rig: Rig, rokuon: Rokuon, url: str) -> None:
    rokuon("custody", "issue", url)
    Issue.objects.update(next_by=rig.clock() - timedelta(hours=1))
    assert (rokuon("custody", "status").code, rokuon("custody", "status", "--json").json[0]["problem"]) == (1, "overdue")
    assert [(level, "was due by" in says) for level, says in seals_in_doctor(rig)] == [(Level.PROBLEM, True)]
    Schedule.objects.update(reason="custody_occupied", detail="call-recordings/x")
    assert "[custody_occupied]" in rokuon("custody", "status").out
    assert "rokuon custody continue" in rokuon("custody", "status").out
    assert [(level, "custody_occupied" in says) for level, says in seals_in_doctor(rig)] == [(Level.PROBLEM, True)]


def test_a_new_key_is_announced_by_the_old_one_and_is_in_the_audit_log(rig: Rig, rokuon: Rokuon, url: str) -> None:
    for command in ("fingerprint", "rotate-key"):
        refused = rokuon("custody", command)
        assert (refused.code, "no signing key yet" in refused.err) == (2, True)
    assert not SigningKey.objects.exists()
    rokuon("custody", "issue", url)
    old = rokuon("custody", "fingerprint", "--json").json["fingerprint"]
    new = rokuon("custody", "rotate-key", "--json").json["fingerprint"]
    assert new == rokuon("custody", "fingerprint").out.strip() != old
    assert AuditEntry.objects.get(action="custody.key").after == {"fingerprint": new}
    for _ in range(2):
        rokuon("custody", "issue", url)
    assert [prove(rig.bucket_folder(), trust=one)[0] for one in (old, new)] == [PROVEN, PROVEN]


def test_nothing_is_continued_where_nothing_stopped(rokuon: Rokuon, url: str) -> None:
    rokuon("custody", "issue", url)
    assert rokuon("custody", "continue", url).code == 2
    answer = rokuon("custody", "continue", url, "--yes")
    assert (answer.code, "Nothing stops the seals" in answer.err) == (2, True)
    assert SealChain.objects.count() == 1


def test_a_ledger_that_is_behind_its_bucket_stores_nothing_until_a_person_continues(
    rig: Rig, rokuon: Rokuon, url: str, behind: None
) -> None:
    assert [(level, "ledger_behind_bucket" in says) for level, says in seals_in_doctor(rig)] == [(Level.PROBLEM, True)]
    sealed = rig.states()["verified"]
    rig.end_call()
    rig.back_up_now()
    assert Hold.objects.get(lifted_at=None).reason == "ledger_behind_bucket"
    assert (rig.states()["verified"], rig.states()["pending"]) == (sealed, Copy.objects.filter(state="pending").count())
    refused = rokuon("custody", "issue", url)
    assert (refused.code, "rokuon custody continue" in refused.err) == (2, True)
    done = rokuon("custody", "continue", url, "--yes", "--json").json
    assert done["continues"] == {"chain": SealChain.objects.order_by("pk")[0].name, "seal": 2}
    assert not Hold.objects.filter(lifted_at=None).exists()
    assert AuditEntry.objects.get(action="custody.continue").after["chain"] == done["chain"]
    rokuon("custody", "issue", url)
    rig.drain()
    assert prove(rig.bucket_folder(), SigningKey.objects.get().public)[0] == NOT_PROVEN
    rig.back_up_now(two_years=True)
    rokuon("custody", "issue", url)
    assert rig.states()["verified"] > sealed
    code, said = prove(rig.bucket_folder(), SigningKey.objects.get().public)
    assert code == PROVEN, said
    rig.check()


def test_a_restored_dump_goes_on_in_the_order_of_the_guide_before_any_worker_has_tried(
    rig: Rig, rokuon: Rokuon, url: str, behind: None
) -> None:
    assert any("ledger_behind_bucket" in says for _, says in seals_in_doctor(rig))
    assert not Hold.objects.exists()
    assert rokuon("custody", "continue", url, "--yes").code == 0
    rig.back_up_now(two_years=True)
    assert rokuon("custody", "issue", url).code == 0
    code, said = prove(rig.bucket_folder(), SigningKey.objects.get().public)
    assert code == PROVEN, said
    assert rokuon("custody", "continue", url, "--yes").code == 2


def test_verifying_the_bucket_does_not_lift_the_hold_of_a_ledger_that_is_behind(rig: Rig, url: str, behind: None) -> None:
    bucket = Bucket.objects.select_related("company").get()
    rig.run_async(lambda engine: engine.custody(bucket.pk))
    assert buckets.verify_bucket(rig.installation, bucket, queue, COMMAND_LINE, rig.clock(), patience=0).ok
    assert Hold.objects.get(lifted_at=None).reason == "ledger_behind_bucket"


def test_nothing_is_continued_while_another_folder_is_in_the_buckets_place(rig: Rig, rokuon: Rokuon, url: str, behind: None) -> None:
    """Else the seals in the bucket would be taken for missing, and never be looked for again."""
    bucket, disk = Bucket.objects.get(), rig.bucket_folder().with_name("disk")
    rig.run_async(lambda engine: engine.custody(bucket.pk))
    rig.bucket_folder().rename(disk)
    rig.bucket_folder().mkdir()
    refused = rokuon("custody", "continue", url, "--yes")
    assert (refused.code != 0, "[bucket_unmarked]" in refused.err) == (True, True)
    assert SealChain.objects.count() == 1
    assert Hold.objects.filter(lifted_at=None).exists()
    rig.bucket_folder().rmdir()
    disk.rename(rig.bucket_folder())
    assert rokuon("custody", "continue", url, "--yes", "--json").json["continues"]["seal"] == 2


def test_after_a_restore_status_and_doctor_ask_for_a_back_up_now(rig: Rig, rokuon: Rokuon, url: str, behind: None) -> None:
    assert rokuon("custody", "continue", url, "--yes").code == 0
    assert rokuon("custody", "issue", url).code == 0
    assert (rokuon("custody", "status").code, rokuon("custody", "status", "--json").json[0]["problem"]) == (1, "empty")
    assert "rokuon backup-now" in rokuon("custody", "status").out
    assert [(level, "seals are empty" in says) for level, says in seals_in_doctor(rig)] == [(Level.WARNING, True)]
    rig.back_up_now(two_years=True)
    assert rokuon("custody", "issue", url).code == 0
    assert rokuon("custody", "status", "--json").json[0]["problem"] is None


def test_changes_are_resolved_while_no_bucket_can_be_sealed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    Hold.objects.create(company=rig.company, on="bucket", ref=str(Bucket.objects.get().pk), reason="bucket_away", probe_at=rig.clock())
    waiting = Dirty.objects.count()
    tick(rig.clock())
    assert Dirty.objects.count() == waiting > 0, "few wait for the issue, which resolves them together"
    monkeypatch.setattr(changes, "AT_ONCE", waiting)
    tick(rig.clock())
    assert Waiting.objects.exists()
    assert not Dirty.objects.exists()


def test_a_fault_of_the_seals_stops_nothing_else_of_the_tick(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(changes, "AT_ONCE", "no number")
    rig.end_call()
    tick(rig.clock())
    assert any(one.msg == "custody_not_queued" for one in caplog.records)
    monkeypatch.undo()
    tick(rig.clock())
    assert queue.without_job(queue.CUSTODY, "bucket_id", [Bucket.objects.get().pk]) == []


def test_a_dump_from_before_the_first_seal_goes_on_with_a_key_of_its_own(rig: Rig, rokuon: Rokuon, url: str) -> None:
    rokuon("custody", "issue", url)
    SealChain.objects.all().delete()
    SigningKey.objects.all().delete()
    assert any("ledger_behind_bucket" in says for _, says in seals_in_doctor(rig))
    done = rokuon("custody", "continue", url, "--yes", "--json").json
    assert done["continues"]["seal"] == 1
    assert done["new_fingerprint"] == rokuon("custody", "fingerprint").out.strip()


def test_a_lost_key_and_a_taken_name_are_continued_before_any_worker_has_tried(rig: Rig, rokuon: Rokuon, url: str) -> None:
    rokuon("custody", "issue", url)
    taken = rig.bucket_folder() / names.seal(SealChain.objects.get().name, 2)
    taken.parent.mkdir()
    taken.write_bytes(b"not ours")
    assert rokuon("custody", "continue", url, "--yes").code == 0
    SigningKey.objects.update(private="")
    assert rokuon("custody", "continue", url, "--yes").code == 0


@pytest.mark.parametrize("with_copies", [True, False])
def test_no_probe_lifts_the_hold_of_a_ledger_without_the_last_continuation(
    rig: Rig, rokuon: Rokuon, url: str, behind: None, with_copies: bool
) -> None:
    old = SealChain.objects.get()
    assert rokuon("custody", "continue", url, "--yes").code == 0
    assert rokuon("custody", "issue", url).code == 0
    SealChain.objects.exclude(pk=old.pk).delete()
    SealChain.objects.update(closed_at=None)
    Issue.objects.create(chain=old, number=2, **seal_of(rig, old.name, 2))
    sealed, bucket = rig.states()["verified"], Bucket.objects.get()
    rig.run_async(lambda engine: engine.custody(bucket.pk))
    assert Hold.objects.get(lifted_at=None).reason == "ledger_behind_bucket"
    if with_copies:
        rig.end_call()
        rig.back_up_now()
        assert rig.states()["pending"]
    rig.pass_time()
    assert Hold.objects.get(lifted_at=None).probes > 0
    assert rig.states()["verified"] == sealed


def test_a_lost_key_is_replaced_and_the_new_fingerprint_is_printed(rig: Rig, rokuon: Rokuon, url: str) -> None:
    rokuon("custody", "issue", url)
    lost = Vault([new_key()]).seal("00" * 32, owner=f"company:{rig.company.pk}", field=FIELD)
    SigningKey.objects.update(private=lost)
    refused = rokuon("custody", "issue", url)
    assert (refused.code, "[custody_key_lost]" in refused.err) == (2, True)
    assert ["custody_key_lost" in says for _, says in seals_in_doctor(rig)] == [True, True]
    assert rokuon("custody", "rotate-key").code == 2, "only the old key can announce another"
    done = rokuon("custody", "continue", url, "--yes")
    fingerprint = rokuon("custody", "fingerprint").out.strip()
    assert (done.code, fingerprint in done.out) == (0, True)
    rig.back_up_now(two_years=True)
    rokuon("custody", "issue", url)
    assert prove(rig.bucket_folder(), trust=fingerprint)[0] == PROVEN


def test_what_it_says_is_japanese_for_a_japanese_reader(rokuon: Rokuon, url: str) -> None:
    assert "まだ封印がありません" in rokuon("custody", "status", LANG="ja_JP.UTF-8").out
    assert "封印 1 を作成しました" in rokuon("custody", "issue", url, LANG="ja_JP.UTF-8").out
