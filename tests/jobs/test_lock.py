"""What waits behind the lock of other work begins when that ends, and one that waits for its time stops nothing."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from rokuon.jobs import queue, worker
from rokuon.wiring.job_handlers import JobHandlers
from tests.e2e.rig import Rig, small_world

LOOK_S = 0.3
WITHIN_S = 2.0
"""The machine may be busy; Procrastinate's own rhythm of asking is five seconds."""


class _SlowLook(JobHandlers):
    """While its first look is at work, an event asks for the next."""

    def remember(self) -> None:
        self.began: list[float] = []
        self.ended: list[float] = []
        self.both = asyncio.Event()

    async def look(self, company_id: int) -> None:
        self.began.append(time.monotonic())
        if len(self.began) == 2:
            self.both.set()
            return
        await self.db(queue.enqueue_look, company_id)
        await asyncio.sleep(LOOK_S)
        self.ended.append(time.monotonic())


class _Look(JobHandlers):
    """Says that it looked, and does not."""

    def remember(self) -> None:
        self.looked = asyncio.Event()

    async def look(self, company_id: int) -> None:
        self.looked.set()


def test_a_look_that_waits_for_its_time_keeps_no_sooner_one_waiting(rig_of: Callable[..., Rig]) -> None:
    rig = rig_of(world=small_world(recordings=2, days=1))

    async def work() -> None:
        engine, stop = _Look(rig.installation, queue, clock=rig.clock), asyncio.Event()
        engine.remember()
        for seconds in (60, 1):
            await engine.db(queue.enqueue_look, rig.company.pk, rig.clock() + timedelta(seconds=seconds))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run(engine, stop))
            await asyncio.wait_for(engine.looked.wait(), 30)
            stop.set()
        await engine.close()

    asyncio.run(work())


def test_a_look_that_waits_for_another_of_its_company_begins_when_that_ends(rig_of: Callable[..., Rig]) -> None:
    rig = rig_of(world=small_world(recordings=2, days=1))

    async def work() -> tuple[float, float]:
        engine, stop = _SlowLook(rig.installation, queue, clock=rig.clock), asyncio.Event()
        engine.remember()
        await engine.db(queue.enqueue_look, rig.company.pk)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run(engine, stop))
            await asyncio.wait_for(engine.both.wait(), 30)
            stop.set()
        await engine.close()
        return engine.ended[0], engine.began[1]

    ended, began = asyncio.run(work())
    assert 0 <= began - ended < WITHIN_S
