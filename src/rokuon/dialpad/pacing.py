"""Send slots: a company's request budget, spaced so that no second ever contains more requests than allowed.

The spacing. With a limit of r requests in any sliding second, slots are SPACING / r seconds apart, SPACING = 1.03. So r + 1 requests span
at least r slots = 1.03 s. A request may leave up to LATE after its slot, and all other delays between the slot and the other side's clock
may vary by the rest of the 0.03 s, before r + 1 requests fit into one second. This costs 3 % of the budget.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from rokuon.domain.pace import SPACING
from rokuon.domain.ports import Sleep
from rokuon.domain.retry import RETRY_AFTER_MAX_S

LATE = 0.02
"""Seconds. A slot that is later than this is dropped: its request could meet the next ones within a second."""
BATCH = 2
_LOW = 2
"""Few, because the next request of another process or lane has to wait for all reserved slots."""

Reserve = Callable[[int], Awaitable[Sequence[float]]]
"""Reserves up to n slots for this process only: seconds from the moment of the answer, ascending, at least one."""
Pause = Callable[[float, float | None], Awaitable[None]]
"""Blocks all slots of all processes for this many seconds from now on; the second number is what the other side asked for, if it did."""


def spacing(per_second: float) -> float:
    """Return the seconds between two slots at a limit of `per_second` requests in any sliding second."""
    return SPACING / per_second


class Paused(Exception):
    """The next slot is too far in the future to wait for it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class SlotPacer:
    """SendSlots on slots that all processes share. Waiters are served in the order of their arrival. Each gets Paused if the company may
    send nothing for more than RETRY_AFTER_MAX_S.

    It reserves up to BATCH slots at a time, as many as there are waiters. A cancelled waiter's slot goes to the next. After `slow_down`,
    this process stops sending at once; another process may still use the few slots (BATCH at most) that it had reserved. `clock` is
    monotonic seconds.
    """

    def __init__(self, reserve: Reserve, *, pause: Pause, clock: Callable[[], float], sleep: Sleep = asyncio.sleep) -> None:
        self._reserve = reserve
        self._pause = pause
        self._clock = clock
        self._sleep = sleep
        self._slots: deque[float] = deque()
        self._waiting = 0
        self._turn = asyncio.Lock()
        self._filling: asyncio.Task[None] | None = None
        self._not_before = clock()
        self.dropped = 0

    async def take(self) -> None:
        self._waiting += 1
        try:
            # asyncio.Lock wakes its waiters in order. Its holder waits for the next slot, and leaves the slot to the next if cancelled.
            async with self._turn:
                await self._next()
        finally:
            self._waiting -= 1

    async def slow_down(self, seconds: float, asked: float | None = None) -> None:
        # At once for this process; for the others as soon as they know of the pause.
        self._not_before = max(self._not_before, self._clock() + seconds)
        await self._pause(seconds, asked)
        if seconds > RETRY_AFTER_MAX_S:
            # A person may end a long pause early, so this process now relies on the shared state, as all processes do.
            if self._filling is not None:
                await asyncio.wait([self._filling])
            self._slots.clear()
            self._not_before = self._clock()

    async def _next(self) -> None:
        while True:
            stop = self._not_before - self._clock()
            if stop > RETRY_AFTER_MAX_S:
                raise Paused(stop)
            if stop > 0:
                await self._sleep(stop)
                continue
            if not self._slots:
                await self._fill()
                continue
            wait = self._slots[0] - self._clock()
            if wait > RETRY_AFTER_MAX_S:
                self._slots.clear()
                raise Paused(wait)
            if wait > 0:
                if len(self._slots) < _LOW and self._waiting > len(self._slots):
                    self._start_filling()
                await self._sleep(wait)
                continue
            self._slots.popleft()
            if wait >= -LATE:
                return
            self.dropped += 1

    async def _fill(self) -> None:
        filling = self._start_filling()
        # Shielded: cancelling one waiter must not lose the slots that were reserved for the others.
        await asyncio.shield(filling)

    def _start_filling(self) -> "asyncio.Task[None]":
        if self._filling is None or self._filling.done():
            self._filling = asyncio.create_task(self._refill())
            self._filling.add_done_callback(_seen)
        return self._filling

    async def _refill(self) -> None:
        delays = await self._reserve(min(BATCH, max(1, self._waiting - len(self._slots))))
        now = self._clock()
        self._slots.extend(now + delay for delay in delays)


def _seen(task: "asyncio.Task[None]") -> None:
    """Ignore the failure of a reservation made in advance: the next waiter reserves again and gets that failure."""
    if not task.cancelled():
        task.exception()


class LocalReserver:
    """Reservations for the pacers of one process: for tests, and to probe a key before anything is set up."""

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._spacing = spacing(per_second)
        self._clock = clock
        self._next = clock()

    async def reserve(self, count: int) -> Sequence[float]:
        now = self._clock()
        first = max(now, self._next)
        self._next = first + count * self._spacing
        return [first - now + n * self._spacing for n in range(count)]

    async def pause(self, seconds: float, asked: float | None) -> None:
        self._next = max(self._next, self._clock() + seconds)


class UnpacedSlots:
    """Send slots without a budget, for tests and benchmarks. A 429 is still obeyed."""

    def __init__(self, clock: Callable[[], float], sleep: Sleep = asyncio.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._until = 0.0
        self.taken = 0

    async def take(self) -> None:
        while self._until and (wait := self._until - self._clock()) > 0:
            if wait > RETRY_AFTER_MAX_S:
                raise Paused(wait)
            await self._sleep(wait)
        self.taken += 1

    async def slow_down(self, seconds: float, asked: float | None = None) -> None:
        self._until = max(self._until, self._clock() + seconds)
