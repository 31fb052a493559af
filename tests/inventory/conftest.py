import pytest

from tests.inventory.rig import Checked


@pytest.fixture
def checked(transactional_db: None) -> Checked:
    return Checked()
