"""A changed bucket (C1): what the old one never took moves, what it holds stays."""

from datetime import timedelta

from rokuon.domain.failures import HoldOn
from rokuon.ledger import holds, record
from rokuon.ledger.bucket_change import follow_bucket
from rokuon.ledger.models import Copy
from rokuon.org import services
from tests.ledger.factory import NOW, World, failed, states

SINCE = NOW - timedelta(days=730)


def test_a_failed_copy_moves_with_its_key_and_the_old_row_says_why(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    new = services.register_bucket(world.company, "memory://new")
    assert follow_bucket(world.company.pk, {world.center.pk: new.pk}, SINCE, NOW, NOW) == 1
    assert list(Copy.objects.order_by("pk").values_list("state", "reason", "bucket_id", "key")) == [
        ("excluded", "bucket_changed", world.bucket.pk, work.key),
        ("pending", "", new.pk, work.key),
    ]


def test_moving_twice_moves_nothing_more_and_a_listing_does_not_bring_the_old_row_back(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    new = services.register_bucket(world.company, "memory://new")
    follow_bucket(world.company.pk, {world.center.pk: new.pk}, SINCE, NOW, NOW)
    assert follow_bucket(world.company.pk, {world.center.pk: new.pk}, SINCE, NOW, NOW) == 0
    (again,) = world.place(world.planned(1))
    assert again.bucket_id == new.pk
    assert states() == {"excluded": 1, "pending": 1}


def test_a_verified_copy_and_one_on_its_way_stay(world: World) -> None:
    done, _ = world.place(world.planned(1), world.planned(2))
    world.verify(done)
    new = services.register_bucket(world.company, "memory://new")
    assert follow_bucket(world.company.pk, {world.center.pk: new.pk}, SINCE, NOW, NOW) == 0


def test_a_copy_that_waits_for_a_held_bucket_moves(world: World) -> None:
    world.place(world.planned(1))
    holds.open_hold(world.company.pk, HoldOn.BUCKET, str(world.bucket.pk), "bucket_missing", "", NOW)
    new = services.register_bucket(world.company, "memory://new")
    assert follow_bucket(world.company.pk, {world.center.pk: new.pk}, SINCE, NOW, NOW) == 1


def test_another_company_is_not_touched(world: World) -> None:
    other = World("Other")
    (work,) = other.place(other.planned(1))
    record.record([failed(work)], NOW)
    assert follow_bucket(world.company.pk, {other.center.pk: world.bucket.pk}, SINCE, NOW, NOW) == 0
