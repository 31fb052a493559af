"""Pool of concurrent copies: limits their number, decides each outcome, opens holds and respects them."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from types import TracebackType

from rokuon.domain import retry
from rokuon.domain.copies import State
from rokuon.domain.failures import (
    BucketAway,
    BucketRefuses,
    Decision,
    HoldOn,
    RecordingForbidden,
    RecordingNotReady,
    RokuonError,
    SourceAway,
    SourceError,
    SourceKeyRefused,
    SourceKindDenied,
    SourceUnavailable,
    StoreRequestRefused,
    StoreUnavailable,
)
from rokuon.domain.ports import JobLedger, Store
from rokuon.domain.recording import RecordingKind
from rokuon.domain.work import FailedTry, Outcome, Work

from . import source_health
from .copy import CopyContext, copy_recording
from .recorder import Recorder
from .refusals import KindRefusals

log = logging.getLogger(__name__)


class TransferPool:
    """Tries copies, at most `context.limits.transfers` at once. Use as an async context manager: leaving it waits for those in flight.

    `stores` opens the store of a bucket id, `now_ms` is the clock. `stopped_by` is set when the source itself is held: then no more
    copies are tried, and offered copies stay pending.
    """

    def __init__(
        self,
        context: CopyContext,
        stores: Callable[[int], Awaitable[Store]],
        ledger: JobLedger,
        recorder: Recorder,
        now_ms: Callable[[], int],
    ) -> None:
        self._context, self._stores, self._ledger, self._recorder, self._now_ms = context, stores, ledger, recorder, now_ms
        self._open: dict[int, Store] = {}
        self._opening = asyncio.Lock()
        self._places = asyncio.Semaphore(context.limits.transfers)
        self._met: set[int] = set()
        self._held: dict[tuple[HoldOn, str], RokuonError] = {}
        """Open holds, by what they hold and its id: open at the start, or opened here."""
        self._refusals = KindRefusals(context.source, ledger, time.monotonic)
        self._bucket_failures = source_health.Failures()
        self._asking = asyncio.Lock()
        self._answers = False
        self.stopped_by: RokuonError | None = None

    async def __aenter__(self) -> "TransferPool":
        self._held.update(await self._ledger.holds())
        self.stopped_by = self._held.get((HoldOn.SOURCE, ""))
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._tasks.__aexit__(kind, error, trace)
        if error is None:
            for undecided in self._refusals.undecided():
                await self._test(undecided)

    async def offer(self, *works: Work) -> None:
        """Start copies that share one fetch (`domain.work.by_fetch`) as soon as there is a free place; together they use one place. A copy
        that was offered before is not started again."""
        fresh = list({work.copy_id: work for work in works if work.copy_id not in self._met}.values())
        if not fresh:
            return
        self._met.update(work.copy_id for work in fresh)
        await self._places.acquire()
        held = {work.copy_id: held_by for work in fresh if (held_by := self._held_by(work))}
        tried = [work for work in fresh if work.copy_id not in held]
        if tried:
            self._tasks.create_task(self._try(tried))
        else:
            self._places.release()
        for work in fresh:
            if work.copy_id in held:
                await self._recorder.put(self._waits(work, held[work.copy_id]))

    def _held_by(self, work: Work) -> RokuonError | None:
        on_bucket = self._held.get((HoldOn.BUCKET, str(work.bucket_id)))
        if work.accepted:
            return on_bucket
        return self.stopped_by or self._held.get((HoldOn.KIND, work.kind)) or on_bucket

    async def _try(self, works: Sequence[Work]) -> None:
        try:
            asked_at = time.monotonic()
            for work, result in zip(works, await self._copy(works), strict=True):
                await self._end(work, result, asked_at)
        finally:
            self._places.release()

    async def _end(self, work: Work, result: Outcome | FailedTry, asked_at: float) -> None:
        if isinstance(result, FailedTry):
            if await self._is_refusal(result.error) and not await self._ledger.has_left(work):
                await self._refused(work, result.error)
                return
            result = await self._decide(work, result)
        else:
            self._bucket_failures.took(work.bucket_id)
            # An accepted recording came from the bucket, so it shows nothing about the source.
            for one in [] if work.accepted else self._refusals.arrived(work, asked_at):
                await self._recorder.put(await self._decide(one.work, FailedTry(RecordingForbidden(one.error.detail))))
        await self._recorder.put(result)

    async def _is_refusal(self, error: RokuonError) -> bool:
        """Whether the recording or its kind is refused. A 401 counts as a refused recording only if the call list
        still works; otherwise the key itself is refused."""
        if isinstance(error, SourceKeyRefused):
            return await self._list_answers()
        return isinstance(error, RecordingForbidden | SourceKindDenied)

    async def _list_answers(self) -> bool:
        async with self._asking:
            if self.stopped_by:
                return False
            if not self._answers:
                try:
                    await source_health.ask(self._context.source, self._now_ms())
                except SourceError as error:
                    log.info("source_asked", extra={"reason": error.reason})
                    return False
                self._answers = True
            return True

    async def _refused(self, work: Work, error: RokuonError) -> None:
        held = self._held.get((HoldOn.KIND, work.kind))
        if held:
            await self._recorder.put(self._waits(work, held))
        elif self._refusals.add(work, error):
            await self._test(work.kind)

    async def _test(self, kind: RecordingKind) -> None:
        """Decide the refusals of this kind: each is a failure of its own copy, or all wait for the hold that is opened here."""
        refusals, found = await self._refusals.test(kind)
        if refusals and found.decision is Decision.HOLD:
            await self._open_hold(found, HoldOn.KIND, kind)
        for one in refusals:
            if found.decision is Decision.HOLD:
                outcome = self._waits(one.work, found)
            elif isinstance(found, RecordingForbidden):
                outcome = await self._decide(one.work, FailedTry(RecordingForbidden(one.error.detail)))
            else:
                outcome = self._outcome(one.work, found, State.PENDING, due_in_s=retry.THROTTLED_S)
            await self._recorder.put(outcome)

    async def _copy(self, works: Sequence[Work]) -> list[Outcome | FailedTry]:
        ready: list[tuple[Work, Store]] = []
        ended: dict[int, Outcome | FailedTry] = {}
        for work in works:
            try:
                store = self._open.get(work.bucket_id) or await self._opened(work.bucket_id)
                if self._bucket_failures.doubts(work.bucket_id):
                    await source_health.ask_bucket(store)
                ready.append((work, store))
            except RokuonError as error:
                ended[work.copy_id] = FailedTry(error)
        if ready:
            results = await copy_recording(ready, self._context, self._now_ms(), self._ledger.leaving)
            ended.update((work.copy_id, result) for (work, _store), result in zip(ready, results, strict=True))
        return [ended[work.copy_id] for work in works]

    async def _opened(self, bucket_id: int) -> Store:
        """Return the store, opened once per job: a credential that changes in the meantime takes effect in the next job."""
        async with self._opening:
            if bucket_id not in self._open:
                self._open[bucket_id] = await self._stores(bucket_id)
            return self._open[bucket_id]

    async def _decide(self, work: Work, refused: FailedTry) -> Outcome:
        error = refused.error
        log.info("copy_failed", extra={"copy": work.copy_id, "attempt": work.attempt, "reason": error.reason, "detail": error.detail})
        if isinstance(error, SourceUnavailable) and work.history.tries >= retry.AWAY_AFTER_TRIES:
            error = await self._outage(error)
        if isinstance(error, StoreUnavailable | StoreRequestRefused):
            error = await self._bucket_outage(work, error)
        if isinstance(error, SourceKindDenied):
            # The recording has left the access window: the refusal concerns this recording only.
            error = RecordingForbidden(error.detail)
        decision = retry.decide(error, work.history, self._now_ms(), refused.read_sha256)
        if isinstance(decision, retry.WaitForHold):
            return await self._hold(work, error, decision.on)
        if isinstance(decision, retry.GiveUp):
            outcome = self._outcome(work, error, decision.state, reason=decision.reason, spent=True)
        else:
            outcome = self._outcome(work, error, State.PENDING, spent=decision.spends, due_in_s=decision.after_s)
        return replace(outcome, read_sha256=refused.read_sha256, aside=refused.aside)

    async def _outage(self, error: SourceUnavailable) -> RokuonError:
        """Decide by one list request whether the whole source is unavailable, or only this recording."""
        async with self._asking:
            if self.stopped_by or self._answers:
                return self.stopped_by or error
            try:
                await source_health.ask(self._context.source, self._now_ms())
            except SourceUnavailable:
                return SourceAway(error.detail)
            except SourceError as other:
                log.info("source_asked", extra={"reason": other.reason})
            self._answers = True
            return error

    async def _bucket_outage(self, work: Work, error: StoreUnavailable | StoreRequestRefused) -> RokuonError:
        """Decide whether the whole bucket is unavailable or refuses, or only this copy fails. Several failures in a row show it, here or in
        other jobs. If this is the only copy and it gets no answer again and again, a request for the bucket's list shows it."""
        held = self._held.get((HoldOn.BUCKET, str(work.bucket_id)))
        if held is not None:
            return held
        if self._bucket_failures.failed(work.bucket_id) >= retry.BUCKET_AWAY_AFTER or await self._ledger.bucket_fails(work.bucket_id):
            return BucketRefuses(error.detail) if isinstance(error, StoreRequestRefused) else BucketAway(error.detail)
        if work.history.tries >= retry.AWAY_AFTER_TRIES and isinstance(error, StoreUnavailable):
            try:
                await source_health.ask_bucket(await self._opened(work.bucket_id))
            except StoreUnavailable:
                return BucketAway(error.detail)
            except RokuonError as other:
                log.info("bucket_asked", extra={"bucket": work.bucket_id, "reason": other.reason})
        return error

    async def _hold(self, work: Work, error: RokuonError, on: HoldOn) -> Outcome:
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
