import pytest

from tests.ledger.factory import World


@pytest.fixture
def world(db: None) -> World:
    return World()
