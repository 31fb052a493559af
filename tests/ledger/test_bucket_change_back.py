"""A bucket changed and changed back (C1): what neither bucket took is still wanted, and stays in sight."""

from datetime import timedelta

from rokuon.ledger import record
from rokuon.ledger.bucket_change import follow_bucket
from rokuon.ledger.models import Copy
from rokuon.org import services
from tests.ledger.factory import NOW, World, failed

SINCE = NOW - timedelta(days=730)


def pending() -> list[tuple[int, str]]:
    return list(Copy.objects.filter(state="pending").values_list("bucket_id", "key"))


def test_a_copy_that_failed_in_both_buckets_goes_back_to_the_first(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    new = services.register_bucket(world.company, "memory://new")
    follow_bucket(world.company.pk, {world.center.pk: new.pk}, SINCE, NOW, NOW)
    (moved,) = world.place(world.planned(1))
    record.record([failed(moved)], NOW)
    assert follow_bucket(world.company.pk, {world.center.pk: world.bucket.pk}, SINCE, NOW, NOW) == 1
    assert pending() == [(world.bucket.pk, work.key)]


def test_a_copy_whose_name_is_taken_in_the_new_bucket_stays_where_it_failed(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    new = services.register_bucket(world.company, "memory://new")
    world.place(world.planned(2, kind="admincallrecording", bucket_id=new.pk, key=work.key))
    assert follow_bucket(world.company.pk, {world.center.pk: new.pk}, SINCE, NOW, NOW) == 0
    assert Copy.objects.get(pk=work.copy_id).state == "failed"


def test_a_copy_that_the_new_bucket_already_holds_leaves_the_old_one(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    new = services.register_bucket(world.company, "memory://new")
    follow_bucket(world.company.pk, {world.center.pk: new.pk}, SINCE, NOW, NOW)
    world.verify(*world.place(world.planned(1)))
    Copy.objects.filter(pk=work.copy_id).update(state="failed", reason="recording_not_audio")
    follow_bucket(world.company.pk, {world.center.pk: new.pk}, SINCE, NOW, NOW)
    assert list(Copy.objects.order_by("pk").values_list("state", flat=True)) == ["excluded", "verified"]
