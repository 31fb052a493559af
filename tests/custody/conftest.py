import pytest

from tests.custody.sealing import Custody


@pytest.fixture
def custody(transactional_db: None) -> Custody:
    return Custody()
