from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rokuon.domain.ports import Store
from tests.conformance.harness import HARNESSES, Harness


@pytest.fixture(params=HARNESSES, ids=lambda kind: kind.__name__.removesuffix("Harness").lower())
async def harness(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Harness]:
    made: Harness = request.param()
    await made.start(tmp_path)
    yield made
    assert made.overwrites() == 0
    await made.stop()


@pytest.fixture
def store(harness: Harness) -> Store:
    return harness.store
