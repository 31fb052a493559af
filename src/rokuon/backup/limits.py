"""Limits of a process that copies recordings: bytes in memory, concurrent transfers, size of one recording."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TransferLimits:
    """Sizes are in bytes. A body of at most `small` stays in memory; a larger one, or one of unknown length, is written to `spool`."""

    spool: Path
    transfers: int = 24
    memory: int = 64 << 20
    small: int = 8 << 20
    largest: int = 2 << 30


class MemoryBudget:
    """Limit of the bytes of bodies in memory at the same time. Requests are granted in their order, so that a large one is not starved."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._size = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def reserve(self, size: int) -> AsyncIterator[None]:
        """Wait for `size` bytes (at most the whole budget), and release them at the end."""
        size = min(size, self._size)
        await self._take(size)
        try:
            yield
        finally:
            self._free += size
            self._wake()

    async def _take(self, size: int) -> None:
        if not self._waiting and size <= self._free:
            self._free -= size
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (size, turn)
        self._waiting.append(entry)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._free += size
            elif entry in self._waiting:
                self._waiting.remove(entry)
            self._wake()
            raise

    def _wake(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            size, turn = self._waiting.popleft()
            # A cancelled waiter stays in the queue until its task runs: skip it.
            if not turn.cancelled():
                self._free -= size
                turn.set_result(None)
