import pytest

from tests.ledger.factory import World


@pytest.fixture
def world(db: None) -> World:
    world = World()
    type(world.company).objects.update(enabled=True)
    world.company.refresh_from_db()
    return world
