"""Somebody is told of a bucket that is not sealed: when only a person can help, or when the tries of hours have failed."""

from datetime import date, timedelta

import pytest

from rokuon.custody import schedule
from rokuon.custody.models import Issue
from rokuon.domain.failures import HoldOn
from rokuon.jobs import queue
from rokuon.ledger import holds
from rokuon.notify import policy
from rokuon.notify.models import Notice, NoticeKind, Occasion
from rokuon.org.models import Company, Target
from rokuon.wiring import notices
from tests.custody.sealing import Custody

DAY = date(2026, 11, 20)


@pytest.fixture
def sealed(custody: Custody) -> Custody:
    Target.objects.update(backed_up=True)
    custody.recording(1, DAY)
    custody.issue()
    return custody


def told(custody: Custody) -> list[tuple[str, str]]:
    """The name and the reason of each open notice about seals."""
    notices.watch(custody.now, queue)
    found = Notice.objects.filter(kind=NoticeKind.UNSEALED, clear_since=None)
    assert {one.ref for one in found} <= {f"bucket:{custody.bucket.pk}"}
    return [(one.facts["name"], one.facts["reason"]) for one in found]


@pytest.mark.parametrize("reason", ["custody_occupied", "custody_key_lost"])
def test_what_only_a_person_can_mend_is_told_at_once(sealed: Custody, reason: str) -> None:
    assert told(sealed) == []
    schedule.failed(sealed.bucket.pk, reason, "", sealed.now)
    assert told(sealed) == [("memory://acme", reason)]
    sealed.issue()
    assert told(sealed) == []


def test_a_store_that_fails_for_hours_is_told_and_not_after_its_first_fault(sealed: Custody) -> None:
    for number in range(len(schedule.AGAIN_AFTER_S)):
        assert told(sealed) == [], number
        schedule.failed(sealed.bucket.pk, "store_unavailable", "", sealed.now)
    assert told(sealed) == [("memory://acme", "store_unavailable")]


def test_a_seal_that_nothing_makes_is_told_when_it_is_overdue(sealed: Custody) -> None:
    sealed.now = Issue.objects.get().next_by - timedelta(minutes=1)
    assert told(sealed) == []
    sealed.now += timedelta(minutes=2)
    assert told(sealed) == [("memory://acme", "")]
    schedule.failed(sealed.bucket.pk, "store_unavailable", "", sealed.now)
    assert told(sealed) == [("memory://acme", "store_unavailable")]
    assert Notice.objects.filter(kind=NoticeKind.UNSEALED).count() == 1, "it is the same notice with its cause"


def test_a_held_bucket_and_one_that_nothing_uses_are_not_told(sealed: Custody) -> None:
    schedule.failed(sealed.bucket.pk, "custody_occupied", "", sealed.now)
    holds.open_hold(sealed.company.pk, HoldOn.BUCKET, str(sealed.bucket.pk), "bucket_away", "", sealed.now)
    assert told(sealed) == [], "the hold is told"
    holds.lift(sealed.company.pk, HoldOn.BUCKET, str(sealed.bucket.pk), sealed.now)
    Company.objects.update(bucket=None)
    assert told(sealed) == []


def test_a_machine_that_slept_through_the_time_of_a_seal_makes_it_before_a_mail_is_sent(sealed: Custody) -> None:
    sealed.now = Issue.objects.get().next_by + timedelta(minutes=1)
    assert told(sealed) == [("memory://acme", "")]
    decided = policy.decide(policy.seen(Notice.objects.get(kind=NoticeKind.UNSEALED)), 1, sealed.now)
    assert decided.occasion is None
    later = policy.decide(decided.now, 1, sealed.now + timedelta(minutes=20))
    assert later.occasion is Occasion.OPENED
