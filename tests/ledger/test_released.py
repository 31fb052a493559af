"""What a hold releases when it is lifted."""

from datetime import timedelta

import pytest

from rokuon.domain.failures import HoldOn
from rokuon.ledger import holds, record
from rokuon.ledger.models import Hold, Run

from .factory import NOW, World, failed

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    """Four recordings in the bucket: one verified, one failed, two pending."""
    world = World()
    works = world.place(*(world.planned(number) for number in range(4)))
    world.verify(works[0])

    record.record([failed(works[1])], NOW)
    return world


def hold(world: World, on: HoldOn, ref: str) -> None:
    assert holds.open_hold(world.company.pk, on, ref, "bucket_forbidden", "", NOW)


def test_a_lifted_hold_keeps_the_number_of_copies_that_it_released(world: World) -> None:
    hold(world, HoldOn.BUCKET, str(world.bucket.pk))
    lifted = holds.lift(world.company.pk, HoldOn.BUCKET, str(world.bucket.pk), NOW + HOUR)
    assert lifted is not None
    assert Hold.objects.get().released == lifted.released == 2
    assert holds.released(world.company.pk, NOW + HOUR) == 2


def test_what_another_hold_still_stops_is_not_released(world: World) -> None:
    hold(world, HoldOn.BUCKET, str(world.bucket.pk))
    hold(world, HoldOn.SOURCE, "")
    first = holds.lift(world.company.pk, HoldOn.BUCKET, str(world.bucket.pk), NOW + HOUR)
    second = holds.lift(world.company.pk, HoldOn.SOURCE, "", NOW + HOUR)
    assert first is not None and first.released == 0
    assert second is not None and second.released == 2
    assert holds.released(world.company.pk, NOW + HOUR) == 2, "both together"


def test_what_a_paused_run_keeps_is_not_released(world: World) -> None:
    hold(world, HoldOn.BUCKET, str(world.bucket.pk))
    Run.objects.create(
        company=world.company,
        scope_kind="company",
        targets=[world.center.pk],
        since=NOW - timedelta(days=900),
        until=NOW,
        state="paused",
        paused_at=NOW,
    )
    lifted = holds.lift(world.company.pk, HoldOn.BUCKET, str(world.bucket.pk), NOW + HOUR)
    assert lifted is not None and lifted.released == 0


def test_no_open_hold_releases_nothing(world: World) -> None:
    assert holds.lift(world.company.pk, HoldOn.BUCKET, str(world.bucket.pk), NOW) is None
    assert holds.released(world.company.pk, NOW) is None
    hold(world, HoldOn.BUCKET, str(world.bucket.pk))
    assert holds.lift(world.company.pk, HoldOn.BUCKET, "0", NOW) is None
    assert holds.lift(World("Zenith").company.pk, HoldOn.BUCKET, str(world.bucket.pk), NOW) is None
    assert Hold.objects.get().lifted_at is None


def test_the_latest_hold_of_each_bucket_is_found_open_or_lifted(world: World) -> None:
    ref = str(world.bucket.pk)
    hold(world, HoldOn.BUCKET, ref)
    holds.lift(world.company.pk, HoldOn.BUCKET, ref, NOW + HOUR)
    assert holds.latest(world.company.pk, HoldOn.BUCKET)[ref].lifted_at == NOW + HOUR
    holds.open_hold(world.company.pk, HoldOn.BUCKET, ref, "bucket_away", "", NOW + 2 * HOUR)
    assert holds.latest(world.company.pk, HoldOn.BUCKET)[ref].reason == "bucket_away"
    assert holds.latest(world.company.pk, HoldOn.SOURCE) == {}
