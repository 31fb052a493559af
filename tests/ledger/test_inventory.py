"""Which verified copies are looked for before a bucket counts as the one in which they were verified."""

from rokuon.ledger import inventory
from rokuon.ledger.models import Copy
from rokuon.org import services
from tests.ledger.factory import World


def filled(world: World, number: int) -> list[str]:
    """So many verified copies; returns their keys in the order in which they were entered."""
    for n in range(number):
        world.verify(*world.place(world.planned(n)))
    return list(Copy.objects.order_by("pk").values_list("key", flat=True))


def chosen(world: World, *draws: int) -> list[str]:
    drawn = iter(draws)
    return [one.key for one in inventory.some_verified(world.bucket.pk, lambda below: next(drawn) % below)]


def test_the_newest_the_oldest_and_some_between_them_are_looked_for(world: World) -> None:
    keys = filled(world, 30)
    found = chosen(world, 10, 20, 10)
    assert {*keys[-4:], *keys[:3], keys[10], keys[20]} < set(found)
    assert len(set(found)) == len(found) == inventory.SAMPLE, "another of the newest takes the place of one that was drawn twice"


def test_where_there_are_few_all_are_looked_for(world: World) -> None:
    assert chosen(world) == []
    keys = filled(world, inventory.SAMPLE - 1)
    assert sorted(chosen(world)) == sorted(keys)


def test_each_may_be_drawn_and_none_of_another_bucket_or_state(world: World) -> None:
    keys = filled(world, 14)
    other = services.register_bucket(world.company, "memory://other")
    world.verify(*world.place(world.planned(100, bucket_id=other.pk)))
    Copy.objects.filter(key=keys[7]).update(state="failed", reason="object_missing")
    first = Copy.objects.earliest("pk").pk
    span = Copy.objects.filter(bucket=world.bucket).latest("pk").pk - first
    seen = {key for at in range(span) for key in chosen(world, at, at, at)}
    assert seen == set(keys) - {keys[7]}
