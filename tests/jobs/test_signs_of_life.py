"""A worker that is busy goes on saying that it lives, so nobody takes its jobs for those of a dead one (E12)."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

import pytest

from rokuon.jobs import queue, worker
from rokuon.ledger.sql import fetch
from rokuon.wiring.job_handlers import JobHandlers
from tests.e2e.rig import Rig, small_world

PATIENCE_S = 20.0


class _LongLook(JobHandlers):
    """Looks until both workers of the process have given a further sign of life."""

    def remember(self) -> None:
        self.signs: defaultdict[int, set[datetime]] = defaultdict(set)
        self.over = asyncio.Event()

    def renewed(self) -> int:
        return sum(len(times) > 1 for times in self.signs.values())

    async def look(self, company_id: int) -> None:
        ends = asyncio.get_running_loop().time() + PATIENCE_S
        while self.renewed() < 2 and asyncio.get_running_loop().time() < ends:
            for name, at in await self.db(fetch, "SELECT id, last_heartbeat FROM procrastinate_workers", []):
                self.signs[name].add(at)
            await asyncio.sleep(0.05)
        self.over.set()


def test_e12_a_worker_gives_signs_of_life_while_a_job_takes_long(rig_of: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "HEARTBEAT_S", 0.3)
    rig = rig_of(world=small_world(recordings=2, days=1))

    async def work() -> int:
        engine, stop = _LongLook(rig.installation, queue, clock=rig.clock), asyncio.Event()
        engine.remember()
        await engine.db(queue.enqueue_look, rig.company.pk)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run(engine, stop))
            await asyncio.wait_for(engine.over.wait(), 2 * PATIENCE_S)
            stop.set()
        await engine.close()
        return engine.renewed()

    assert asyncio.run(work()) == 2
