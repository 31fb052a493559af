"""Chains that continue another: from `custody continue` until a Back up now has ended, and on another machine."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from django.db import connection

from rokuon.custody import chains, schedule
from rokuon.custody.models import SealChain, SealedDay, Waiting
from rokuon.ledger.models import Copy, Run
from tests.custody.rig import NOT_PROVEN, PROVEN
from tests.custody.sealing import Custody, forget_last_issue, verify
from tests.custody.stores import OvertakenStore

DAY = date(2026, 11, 20)
OLD = DAY - timedelta(days=60)


@pytest.fixture
def restored(custody: Custody) -> Custody:
    """A ledger from before the second seal, which lacks a recording that this seal names, and a chain that continues it."""
    custody.recording(1, OLD)
    custody.issue()
    work = custody.recording(2, OLD)
    custody.issue()
    forget_last_issue()
    Copy.objects.filter(pk=work.copy_id).delete()
    return custody


def refuse(custody: Custody, **how: object) -> None:
    """No seal names a file after this Back up now."""
    custody.backed_up(**how)
    assert custody.issue().files == 0


@pytest.mark.parametrize("why", [chains.RESTORED, chains.KEY_LOST])
def test_a_continued_chain_is_empty_until_a_back_up_now_has_found_what_was_stored(restored: Custody, tmp_path: Path, why: str) -> None:
    restored.backed_up()  # before it was continued
    restored.now += timedelta(hours=1)
    restored.go_on(why)
    for number in range(3):
        restored.recording(10 + number, OLD - timedelta(days=number))
        assert restored.issue().files == 0
        assert restored.seals_name_until() == restored.seal_times()[1]
        answer = verify(restored, tmp_path / str(number))
        assert (answer.code, answer.findings) == (NOT_PROVEN, set())
        assert answer.notes >= {"partial", "unsealed"}
        assert answer.said[-1]["unsealed"] == number + 1
    restored.stored_again(2, OLD)
    restored.backed_up()
    assert restored.bucket.pk in schedule.due_buckets(restored.now)
    assert restored.issue().files > 0
    answer = verify(restored, tmp_path / "later")
    assert (answer.code, answer.findings, answer.said[-1]["verified"]) == (PROVEN, set(), 5)
    assert not answer.notes & {"partial", "unsealed"}


def test_what_is_no_whole_back_up_now_since_then_lets_it_seal_nothing(restored: Custody) -> None:
    begun = restored.now
    restored.now += timedelta(hours=1)
    restored.go_on()
    refuse(restored, created_at=begun)
    refuse(restored, state=Run.State.CANCELLED)
    refuse(restored, purpose=Run.Purpose.SWEEP_35D)
    refuse(restored, scope_kind="callcenter", scope_id=restored.center.pk)
    refuse(restored, company=Custody("Other").company)
    refuse(restored, since=restored.now - timedelta(days=35))
    refuse(restored, until=begun)
    restored.backed_up()
    assert restored.issue().files > 0


def test_a_continued_chain_that_moves_to_another_machine_stays_empty(restored: Custody) -> None:
    restored.go_on()
    restored.issue()
    restored.installation = "99999999-2222-3333-4444-555555555555"
    for _ in range(2):
        assert restored.issue().files == 0
    assert SealChain.objects.get(closed_at=None).continues["why"] == chains.MOVED
    restored.backed_up()
    assert restored.issue().files > 0


def test_a_recording_that_was_late_is_late_in_the_next_chain_too(custody: Custody, tmp_path: Path) -> None:
    custody.recording(1, OLD)
    custody.listed(OLD - timedelta(days=1), OLD)
    custody.issue()
    custody.now += timedelta(hours=1)
    custody.recording(2, OLD)
    custody.issue()
    assert (custody.day(2, OLD)["state"], custody.day(2, OLD)["late"]) == ("final", 1)
    custody.installation = "99999999-2222-3333-4444-555555555555"
    custody.issue()
    days = [line for line in custody.lines(1) if line.get("day") == OLD.isoformat()]
    assert [(line["state"], line["late"]) for line in sorted(days, key=lambda line: line["revision"])] == [("final", 0), ("final", 1)]
    assert verify(custody, tmp_path).code == PROVEN


def test_a_seal_of_the_old_chain_that_arrives_late_takes_no_day_from_the_new_one(custody: Custody) -> None:
    """A worker writes a seal with a new day, and meanwhile a person continues in another chain."""
    custody.recording(1, OLD)
    custody.issue()
    custody.recording(2, DAY)

    def by_a_person(_: str) -> None:
        custody.go_on(chains.MOVED)
        connection.close()  # of this thread

    custody.issue(OvertakenStore(custody, by_a_person))
    assert Waiting.objects.filter(target=custody.center, day=DAY).exists()
    assert custody.bucket.pk in schedule.due_buckets(custody.now)
    custody.issue()
    assert SealedDay.objects.filter(chain__closed_at=None, target=custody.center, day__in=[OLD, DAY]).count() == 2
