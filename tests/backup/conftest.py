from collections.abc import Iterator
from pathlib import Path

import pytest

from rokuon.backup import retained
from tests.backup.scripted import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Every test of this folder ends with a spool empty but for what is retained, and the whole memory budget given back (I18)."""
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    made = Bench(spool, small=8000, largest=1_000_000, memory=20_000)
    yield made
    assert [entry for entry in spool.iterdir() if entry.name != retained.FOLDER] == []
    assert made.memory._free == made.memory._size
