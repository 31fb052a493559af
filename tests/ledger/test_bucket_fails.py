"""Whether a bucket failed several times in a row, over all jobs of a company."""

from datetime import timedelta

import pytest

from rokuon.domain.copies import State
from rokuon.domain.work import Outcome, Work
from rokuon.ledger import read, record
from rokuon.ledger.models import Hold
from rokuon.wiring.ledgers import DueLedger, ProbeLedger
from tests.e2e.conftest import MakeRig, rig_of
from tests.ledger.factory import NOW, World

__all__ = ["rig_of"]

pytestmark = pytest.mark.django_db

REASON, REFUSED = "store_unavailable", "store_request_refused"


def fails(world: World, *works: Work, minutes: int, reason: str = REASON) -> None:
    outcomes = [Outcome(work.copy_id, work.attempt, State.PENDING, reason=reason, spent=False, due_in_s=60) for work in works]
    record.record(outcomes, NOW + timedelta(minutes=minutes))


def asked(world: World) -> bool:
    return read.bucket_fails(world.company.pk, world.bucket.pk, [REASON, REFUSED], 3)


def test_three_copies_in_a_row_are_a_bucket_that_fails() -> None:
    world = World()
    works = world.place(*[world.planned(number) for number in range(1, 5)])
    assert not asked(world)
    for at, work in enumerate(works[:3]):
        assert not asked(world)
        fails(world, work, minutes=at)
    assert asked(world)


def test_copies_that_a_refusal_failed_for_good_count_like_those_that_wait() -> None:
    world = World()
    works = world.place(*[world.planned(number) for number in range(1, 4)])
    record.record([Outcome(work.copy_id, work.attempt, State.FAILED, reason=REFUSED, spent=True) for work in works[:2]], NOW)
    assert not asked(world)
    fails(world, works[2], minutes=1)
    assert asked(world)


def test_a_success_since_the_first_of_them_breaks_the_row() -> None:
    world = World()
    works = world.place(*[world.planned(number) for number in range(1, 9)])
    fails(world, *works[:3], minutes=0)
    world.verify(works[3], now=NOW + timedelta(minutes=1))
    assert not asked(world)
    fails(world, *works[4:6], minutes=2)
    assert not asked(world), "one of the last three failed before the success"
    fails(world, works[6], minutes=3)
    assert asked(world)


def test_other_reasons_and_other_buckets_do_not_count() -> None:
    world, other = World(), World("Zenith")
    works = world.place(*[world.planned(number) for number in range(1, 4)])
    fails(world, *works, minutes=0, reason="source_unavailable")
    fails(other, *other.place(*[other.planned(number) for number in range(1, 4)]), minutes=0)
    assert not asked(world)
    assert asked(other)


def test_a_probe_takes_only_its_own_bucket_for_one_that_fails(rig_of: MakeRig) -> None:
    rig = rig_of()
    bucket = rig.company.bucket_id
    assert bucket is not None
    of_kind = Hold.objects.create(company=rig.company, on="kind", ref="voicemail", reason="source_kind_denied", probe_at=rig.clock())
    of_bucket = Hold.objects.create(company=rig.company, on="bucket", ref=str(bucket), reason="bucket_away", probe_at=rig.clock())
    ledgers = [
        (lambda db: DueLedger(rig.company.pk, db, rig.clock), bucket, False),
        (lambda db: ProbeLedger(of_kind, db, rig.clock), bucket, False),
        (lambda db: ProbeLedger(of_bucket, db, rig.clock), bucket, True),
        (lambda db: ProbeLedger(of_bucket, db, rig.clock), bucket + 1, False),
    ]
    for make, which, expected in ledgers:
        assert rig.run_async(lambda engine, make=make, which=which: make(engine.db).bucket_fails(which)) is expected
