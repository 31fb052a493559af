"""A worker's inventory: when it is due, what it never runs beside, and what is kept of a failure."""

import shutil
from datetime import timedelta

import pytest

from rokuon.cli.doctor.check import Level
from rokuon.cli.doctor.inventories import inventory_checks
from rokuon.cli.support.session import CliSession
from rokuon.domain.failures import HoldOn
from rokuon.jobs import tick as ticks
from rokuon.jobs.queue import INVENTORY, without_job
from rokuon.ledger import holds, inventory_passes, inventory_schedule
from rokuon.ledger.inventory_models import InventoryPass, InventorySchedule
from rokuon.ledger.models import Copy, Hold, Run
from rokuon.notify import findings
from rokuon.notify.models import NoticeKind
from rokuon.org.models import Bucket
from tests.custody.backed_up import backed_up, seal
from tests.e2e.conftest import MakeRig, rig_of
from tests.e2e.rig import Rig

__all__ = ["rig_of"]


@pytest.fixture
def rig(rig_of: MakeRig) -> Rig:
    rig = backed_up(rig_of)
    rig.advance(hours=1)
    return rig


def check(rig: Rig) -> None:
    bucket = Bucket.objects.get()
    rig.run_async(lambda engine: engine.inventory(bucket.pk))


def due(rig: Rig) -> bool:
    return Bucket.objects.get().pk in inventory_schedule.due_buckets(rig.clock())


def test_a_bucket_with_recordings_is_compared_once_a_day(rig: Rig) -> None:
    assert due(rig)
    check(rig)
    one = InventoryPass.objects.get()
    assert (one.state, one.by, one.sights["in_order"]) == ("finished", "", rig.states()["verified"])
    assert not due(rig)
    rig.advance(hours=25)
    assert due(rig)


def test_custody_files_are_rokuons_own(rig: Rig) -> None:
    seal(rig)
    rig.advance(hours=1)
    check(rig)
    one = InventoryPass.objects.get()
    assert one.state == "finished" and one.sights["own"] >= 4
    assert set(one.sights) <= {"in_order", "own"}


def test_the_tick_queues_a_due_inventory_once(rig: Rig) -> None:
    bucket = Bucket.objects.get()
    ticks.tick(rig.clock())
    ticks.tick(rig.clock())
    assert without_job(INVENTORY, "bucket_id", [bucket.pk]) == []


def test_none_is_due_while_a_backfill_runs(rig: Rig) -> None:
    rig.start()
    assert Run.objects.filter(state="running", purpose="backup_now").exists()
    assert not due(rig)


def test_none_is_due_while_the_bucket_is_held(rig: Rig) -> None:
    bucket = Bucket.objects.get()
    holds.open_hold(bucket.company_id, HoldOn.BUCKET, str(bucket.pk), "bucket_away", "", rig.clock())
    assert not due(rig)


def test_more_than_two_million_objects_are_compared_once_a_week() -> None:
    assert inventory_schedule.every(2_000_000) == timedelta(days=1)
    assert inventory_schedule.every(2_000_001) == timedelta(days=7)


def test_a_bucket_that_is_away_is_tried_again_and_nothing_is_missing(rig: Rig) -> None:
    away = rig.bucket_folder().with_name("elsewhere")
    shutil.move(rig.bucket_folder(), away)
    check(rig)
    failed = InventorySchedule.objects.get()
    assert failed.reason and failed.tries == 1 and rig.clock() < failed.due_at <= rig.clock() + timedelta(minutes=6)
    assert not Copy.objects.filter(state="failed").exists()
    shutil.move(away, rig.bucket_folder())
    check(rig)
    assert (InventoryPass.objects.get().state, InventorySchedule.objects.get().reason) == ("finished", "")


def test_an_emptied_bucket_is_held_and_notified_once(rig: Rig) -> None:
    shutil.move(rig.bucket_folder() / "call-recordings", rig.bucket_folder() / "gone")
    verified = rig.states()["verified"]
    check(rig)
    check(rig)
    assert rig.states()["verified"] == verified
    assert Hold.objects.filter(lifted_at=None).count() == 1


def test_a_newest_seal_that_is_gone_holds_the_bucket_and_no_probe_lifts_it(rig: Rig) -> None:
    seal(rig)
    for path in (rig.bucket_folder() / "call-recordings" / ".rokuon-custody").glob("*/00000001/seal"):
        path.rename(path.with_name("moved"))
    rig.advance(hours=1)
    check(rig)
    hold = Hold.objects.get(lifted_at=None)
    assert (hold.reason, InventoryPass.objects.get().state) == ("inventory_stopped", "stopped")
    rig.run_async(lambda engine: engine.probe(hold.company_id, hold.pk))
    assert Hold.objects.filter(lifted_at=None).count() == 1
    for path in (rig.bucket_folder() / "call-recordings" / ".rokuon-custody").glob("*/00000001/moved"):
        path.rename(path.with_name("seal"))
    check(rig)
    assert not Hold.objects.filter(lifted_at=None).exists()


def test_a_bucket_in_doubt_is_held_for_that_also_if_it_was_held_before(rig: Rig) -> None:
    seal(rig)
    bucket = Bucket.objects.get()
    holds.open_hold(bucket.company_id, HoldOn.BUCKET, str(bucket.pk), "bucket_away", "", rig.clock())
    for path in (rig.bucket_folder() / "call-recordings" / ".rokuon-custody").glob("*/00000001/seal"):
        path.unlink()
    check(rig)
    check(rig)
    held = [(hold.reason, hold.lifted_at is None) for hold in Hold.objects.order_by("pk")]
    assert held == [("bucket_away", False), ("inventory_stopped", True)]


def test_a_deleted_recording_is_found_the_next_day(rig: Rig) -> None:
    check(rig)
    copy = Copy.objects.filter(state="verified").order_by("pk")[0]
    (rig.bucket_folder() / copy.key).unlink()
    rig.advance(hours=25)
    check(rig)
    copy.refresh_from_db()
    assert (copy.state, copy.reason) == ("failed", "inventory_missing")
    before = rig.audio_requests()
    rig.back_up_now()
    copy.refresh_from_db()
    assert (copy.state, rig.audio_requests() - before) == ("failed", 0), "only a person sends it back"


def test_people_get_a_mail_of_a_bucket_in_doubt_and_of_a_missing_recording(rig: Rig) -> None:
    company = Bucket.objects.get().company
    copy = Copy.objects.filter(state="verified").order_by("pk")[0]
    (rig.bucket_folder() / copy.key).unlink()
    check(rig)
    found = {(one.kind, one.cause or one.facts.get("reason", "")) for one in findings.of_company(company, rig.clock())}
    assert (NoticeKind.FAILED, "inventory_missing") in found
    seal(rig)
    for path in (rig.bucket_folder() / "call-recordings" / ".rokuon-custody").glob("*/00000001/seal"):
        path.unlink()
    check(rig)
    held = [one for one in findings.of_company(company, rig.clock()) if one.kind is NoticeKind.HOLD]
    assert [one.cause for one in held] == ["inventory_stopped"]


def doctor_says(rig: Rig) -> tuple[Level, str]:
    (found,) = inventory_checks(CliSession(rig.config, rig.installation), rig.company)
    assert found.todo or found.level is Level.OK
    return found.level, found.says


def test_doctor_says_whether_there_was_an_inventory_and_what_is_open(rig: Rig) -> None:
    assert doctor_says(rig) == (Level.WARNING, "there was none yet")
    check(rig)
    assert doctor_says(rig)[0] is Level.OK
    (rig.bucket_folder() / Copy.objects.filter(state="verified").order_by("pk")[0].key).unlink()
    check(rig)
    assert doctor_says(rig) == (Level.PROBLEM, "open findings: 1")


def test_doctor_says_why_the_last_attempt_ended_early_and_that_one_is_late(rig: Rig) -> None:
    check(rig)
    InventorySchedule.objects.update(reason="store_unavailable", detail="503")
    assert doctor_says(rig) == (Level.WARNING, "[store_unavailable] 503")
    InventorySchedule.objects.update(reason="", due_at=rig.clock() - timedelta(days=900))
    assert doctor_says(rig)[0] is Level.WARNING


def test_doctor_does_not_call_a_stopped_inventory_in_order_when_its_finding_is_closed(rig: Rig) -> None:
    check(rig)
    InventoryPass.objects.update(state="stopped", reason="inventory_stopped")
    level, says = doctor_says(rig)
    assert level is Level.WARNING and "inventory_stopped" in says


def test_doctor_says_that_a_first_inventory_does_not_come_to_its_end(rig: Rig) -> None:
    bucket = Bucket.objects.get()
    inventory_passes.begin(bucket.company_id, bucket.pk, "", rig.clock() - timedelta(days=900))
    level, says = doctor_says(rig)
    assert level is Level.WARNING and "Not finished" in says
