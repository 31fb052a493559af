import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rokuon.dialpad.pacing import SlotPacer
from rokuon.dialpad.source import DialpadSource
from rokuon.domain import retry
from rokuon.wiring import connections
from tests.e2e.rig import Rig

MakeRig = Callable[..., Rig]


@pytest.fixture
def rig_of(outer: Path, database_url: str) -> Iterator[MakeRig]:
    made: list[Rig] = []

    def make(**how: Any) -> Rig:
        made.append(Rig(outer, database_url, **how))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make waits of seconds take hundredths of a second: the same storm of faults in less time."""

    async def nap(seconds: float, /) -> None:
        await asyncio.sleep(min(seconds, 0.01))

    class Pacer(SlotPacer):
        async def slow_down(self, seconds: float, asked: float | None = None) -> None:
            await super().slow_down(min(seconds, 0.02), asked)

    monkeypatch.setattr(connections, "DialpadSource", lambda *a, **k: DialpadSource(*a, **k, sleep=nap))
    monkeypatch.setattr(connections, "SlotPacer", Pacer)
    monkeypatch.setattr(retry, "QUICK_S", (0.01, 0.02))
    monkeypatch.setattr(retry, "LOOK_S", (0.01, 0.02))
