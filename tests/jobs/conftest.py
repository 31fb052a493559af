import pytest
from django.db import connection

from tests.e2e.conftest import rig_of
from tests.ledger.factory import World

__all__ = ["rig_of"]


def empty_the_queue() -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE procrastinate_jobs, procrastinate_workers CASCADE")


@pytest.fixture
def world(transactional_db: None) -> World:
    return World()
