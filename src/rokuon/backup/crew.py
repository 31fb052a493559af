"""Copies at work: many at once within bounds, each outcome decided, holds opened and respected."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from types import TracebackType

from rokuon.domain import retry
from rokuon.domain.copies import State
from rokuon.domain.failures import HoldOn, RecordingForbidden, RecordingNotReady, RokuonError, SourceAway, SourceError, SourceUnavailable
from rokuon.domain.ports import Store, WindowLedger
from rokuon.domain.work import Outcome, Work

from . import away
from .copy import Gear, copy_recording
from .recorder import Recorder

log = logging.getLogger(__name__)

DENIALS_TO_HOLD = 3
"""A kind of recording is held when so many of its downloads in a row met a login page: one alone may be that recording's own fault.
Fewer do where a job ends with nothing of that kind having arrived: else they would be asked for every minute, for ever."""


class Crew:
    """Tries copies, at most `gear.limits.transfers` at once. Use as an async context manager: leaving it waits for those in flight.

    `stores` opens the store of a bucket id, `now_ms` is the clock. `stopped_by` is set when the source itself is held: then nothing
    more is tried, and what was offered stays pending.
    """

    def __init__(
        self, gear: Gear, stores: Callable[[int], Awaitable[Store]], ledger: WindowLedger, recorder: Recorder, now_ms: Callable[[], int]
    ) -> None:
        self._gear, self._stores, self._ledger, self._recorder, self._now_ms = gear, stores, ledger, recorder, now_ms
        self._open: dict[int, Store] = {}
        self._opening = asyncio.Lock()
        self._places = asyncio.Semaphore(gear.limits.transfers)
        self._met: set[int] = set()
        self._held: dict[tuple[HoldOn, str], RokuonError] = {}
        """What is held, by what and which: found open at the start, or opened here."""
        self._denials: Counter[str] = Counter()
        self._denied: dict[str, RokuonError] = {}
        self._fetched_kinds: set[str] = set()
        self._asking = asyncio.Lock()
        self._answers = False
        self.stopped_by: RokuonError | None = None

    async def __aenter__(self) -> "Crew":
        self._held.update(await self._ledger.holds())
        self.stopped_by = self._held.get((HoldOn.SOURCE, ""))
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._tasks.__aexit__(kind, error, trace)
        for denied, cause in self._denied.items():
            if error is None and denied not in self._fetched_kinds:
                await self._open_hold(cause, HoldOn.KIND, denied)

    async def offer(self, work: Work) -> None:
        """Take the copy on as soon as there is a free place. One that was offered before is not taken twice."""
        if work.copy_id in self._met:
            return
        self._met.add(work.copy_id)
        await self._places.acquire()
        held_by = self.stopped_by or self._held.get((HoldOn.KIND, work.kind)) or self._held.get((HoldOn.BUCKET, str(work.bucket_id)))
        if held_by:
            self._places.release()
            await self._recorder.put(self._waits(work, held_by))
            return
        self._tasks.create_task(self._try(work))

    async def _try(self, work: Work) -> None:
        try:
            result = await self._copy(work)
            if isinstance(result, RokuonError):
                result = await self._decide(work, result)
            else:
                self._denials[work.kind] = 0
                self._fetched_kinds.add(work.kind)
            await self._recorder.put(result)
        finally:
            self._places.release()

    async def _copy(self, work: Work) -> Outcome | RokuonError:
        try:
            store = self._open.get(work.bucket_id) or await self._opened(work.bucket_id)
        except RokuonError as error:
            return error
        return await copy_recording(work, store, self._gear)

    async def _opened(self, bucket_id: int) -> Store:
        """Asked once per job: a credential that changes meanwhile counts from the next one."""
        async with self._opening:
            if bucket_id not in self._open:
                self._open[bucket_id] = await self._stores(bucket_id)
            return self._open[bucket_id]

    async def _decide(self, work: Work, error: RokuonError) -> Outcome:
        log.info("copy_failed", extra={"copy": work.copy_id, "attempt": work.attempt, "reason": error.reason, "detail": error.detail})
        if isinstance(error, SourceUnavailable) and work.history.attempts >= retry.AWAY_AFTER_TRIES:
            error = await self._outage(error)
        decision = retry.decide(self._blame(work, error), work.history, self._now_ms())
        if isinstance(decision, retry.Hold):
            return await self._hold(work, error, decision.on)
        if isinstance(decision, retry.GiveUp):
            return self._outcome(work, error, decision.state, reason=decision.reason, spent=True)
        return self._outcome(work, error, State.PENDING, spent=decision.spends, due_in_s=decision.after_s)

    async def _outage(self, error: SourceUnavailable) -> RokuonError:
        """The whole source is away, or only this recording has trouble: the list tells, asked once."""
        async with self._asking:
            if self.stopped_by or self._answers:
                return self.stopped_by or error
            try:
                await away.ask(self._gear.source, self._now_ms())
            except SourceUnavailable:
                return SourceAway(error.detail)
            except SourceError as other:
                log.info("source_asked", extra={"reason": other.reason})
            self._answers = True
            return error

    def _blame(self, work: Work, error: RokuonError) -> RokuonError:
        """A login page for one recording is that recording's own trouble while others of its kind arrive."""
        return RecordingForbidden() if error.hold_on is HoldOn.KIND and work.kind in self._fetched_kinds else error

    async def _hold(self, work: Work, error: RokuonError, on: HoldOn) -> Outcome:
        if on is HoldOn.KIND:
            if await self._ledger.has_left(work):
                return await self._decide(work, RecordingForbidden())
            if await self._ledger.arrives(work.kind):
                self._fetched_kinds.add(work.kind)
                return await self._decide(work, error)
            self._denials[work.kind] += 1
            self._denied[work.kind] = error
            if self._denials[work.kind] < DENIALS_TO_HOLD:
                return self._outcome(work, error, State.PENDING, due_in_s=retry.THROTTLED_S)
        ref = {HoldOn.KIND: work.kind, HoldOn.BUCKET: str(work.bucket_id), HoldOn.SOURCE: ""}[on]
        await self._open_hold(error, on, ref)
        return self._waits(work, error)

    async def _open_hold(self, error: RokuonError, on: HoldOn, ref: str) -> None:
        if (on, ref) not in self._held:
            self._held[on, ref] = error
            if on is HoldOn.SOURCE:
                self.stopped_by = error
            await self._ledger.hold(error, on, ref)

    def _waits(self, work: Work, error: RokuonError) -> Outcome:
        return self._outcome(work, error, State.PENDING)

    def _outcome(
        self, work: Work, error: RokuonError, state: State, *, reason: str = "", spent: bool = False, due_in_s: float = 0.0
    ) -> Outcome:
        return Outcome(
            copy_id=work.copy_id,
            attempt=work.attempt,
            state=state,
            reason=reason or error.reason,
            detail=error.detail,
            spent=spent,
            due_in_s=due_in_s,
            negative=spent and isinstance(error, RecordingNotReady),
        )
