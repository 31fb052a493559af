import pytest

from tests.notify.factory import Place


@pytest.fixture
def place(db: None) -> Place:
    return Place()
