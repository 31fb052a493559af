"""Write outcomes to the ledger in batches, so that a thousand copies cost ten transactions."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from rokuon.domain.crashpoints import reached
from rokuon.domain.work import Outcome

log = logging.getLogger(__name__)

ROWS = 100
SECONDS = 0.2


class Recorder:
    """Collects outcomes and writes them 200 ms after the first, at most 100 in a batch. Use as an async context manager.

    `write` enters a batch and returns the ids of the copies that were updated; the others had changed in the meantime, which is
    logged. Leaving the context writes the rest. If a batch cannot be written, its error is raised by the next `put` and on leaving:
    those copies are still pending in the ledger and will be tried again. `states` counts the written outcomes by state.
    """

    def __init__(self, write: Callable[[Sequence[Outcome]], Awaitable[set[int]]]) -> None:
        self._write = write
        self._queue: asyncio.Queue[Outcome | None] = asyncio.Queue(maxsize=10 * ROWS)
        self._leaving = asyncio.Event()
        self._error: Exception | None = None
        self.states: Counter[str] = Counter()

    async def __aenter__(self) -> "Recorder":
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving.set()
        await self._queue.put(None)
        await self._task
        if self._error:
            raise self._error

    async def put(self, outcome: Outcome) -> None:
        if self._error:
            raise self._error
        await self._queue.put(outcome)

    async def _run(self) -> None:
        """Empty the queue even after an error, so that no caller waits forever on a full queue."""
        last = False
        while not last:
            batch = [await self._queue.get()]
            if batch[0] is not None and self._queue.qsize() < ROWS:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._leaving.wait(), SECONDS)
            while len(batch) < 2 * ROWS and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            last = batch[-1] is None
            outcomes = [outcome for outcome in batch if outcome is not None]
            if outcomes and not self._error:
                try:
                    await self._flush(outcomes)
                except Exception as error:  # noqa: BLE001 (kept, and raised by `put` and on leaving)
                    self._error = error

    async def _flush(self, outcomes: Sequence[Outcome]) -> None:
        written = await self._write(outcomes)
        reached("recorded")
        for outcome in outcomes:
            if outcome.copy_id in written:
                self.states[outcome.state] += 1
            else:
                log.info("copy_had_moved_on", extra={"copy": outcome.copy_id, "state": outcome.state})
