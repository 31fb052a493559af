"""A later listing may say less than an earlier one; what is known stays known."""

from rokuon.ledger.models import Recording
from tests.ledger.factory import World


def test_an_address_is_not_forgotten_when_a_listing_leaves_it_out(world: World) -> None:
    world.place(world.planned(1))
    (work,) = world.place(world.planned(1, url="", duration_ms=None))
    assert (work.url, work.duration_ms) == ("https://dialpad.example/r/r1", 1000)
    world.place(world.planned(1, url="https://dialpad.example/r/new"))
    assert Recording.objects.get().url == "https://dialpad.example/r/new"
