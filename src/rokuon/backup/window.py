"""Bulk work: list one window and copy its recordings, or try a company's due copies (docs/design/ledger.md).

    left over   copies that an earlier worker placed and did not finish are tried first
    listed      page after page, newest call first, sorted into targets
    placed      a page and the resume mark are entered in one transaction
    copied      while the next page is listed, as many at once as the limits allow

A job that is killed at any point is repeated: it resumes below the resume mark, and copies that were in flight are still pending.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from enum import Enum

from rokuon.domain.classify import ALWAYS_BACKED_UP, PATIENCE_MS, WAIT_FOR_LEGS_MS, Classified, Classifier
from rokuon.domain.crashpoints import reached
from rokuon.domain.failures import RokuonError, SourceAnswerMalformed
from rokuon.domain.ports import JobLedger, Store, TimeRange
from rokuon.domain.recording import ListingPage, RecordingKind, Scope, ScopeKind
from rokuon.domain.work import ListingProgress, Work, by_fetch

from .copy import CopyContext
from .discover import Targets, plan_batch
from .outside import OutsideCalls
from .recorder import Recorder
from .refresh import is_stale, refreshed
from .transfer_pool import TransferPool
from .unread import UnreadEntries

POLL_S = 1.0


class JobEnd(Enum):
    """How the work ended: everything was tried; more is left to do (time is up, or the process stops); not wanted any more (cancelled);
    held (the source is held); or the listing lacks legs of a conversation and must be made wider."""

    DONE = "done"
    MORE = "more"
    UNWANTED = "unwanted"
    HELD = "held"
    NARROW = "narrow"


@dataclass(frozen=True, slots=True)
class JobContext:
    """Dependencies of one job. `time_up` becomes true when the job should return the rest to the queue: its share of time is used up or
    the process stops. `begin_share` restarts the share from now."""

    context: CopyContext
    stores: Callable[[int], Awaitable[Store]]
    ledger: JobLedger
    now_ms: Callable[[], int]
    time_up: Callable[[], bool]
    begin_share: Callable[[], None] = lambda: None


@asynccontextmanager
async def transfer_pool(job: JobContext) -> AsyncIterator[TransferPool]:
    async with (
        Recorder(job.ledger.record) as recorder,
        TransferPool(job.context, job.stores, job.ledger, recorder, job.now_ms) as pool,
    ):
        yield pool


class _Watch:
    """Checks once a second whether the work is still wanted, so that a cancel takes effect between two recordings."""

    def __init__(self, job: JobContext, pool: TransferPool) -> None:
        self._job, self._pool = job, pool
        self.unwanted = False

    async def __aenter__(self) -> "_Watch":
        self._task = asyncio.create_task(self._poll())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _poll(self) -> None:
        while not self.unwanted:
            await asyncio.sleep(POLL_S)
            self.unwanted = not await self._job.ledger.wanted()

    def verdict(self) -> JobEnd | None:
        """Return the reason to stop now, or None to continue."""
        if self._task.done() and not self._task.cancelled():
            self._task.result()
        if self._pool.stopped_by:
            return JobEnd.HELD
        if self.unwanted:
            return JobEnd.UNWANTED
        return JobEnd.MORE if self._job.time_up() else None


async def work_on_window(job: JobContext, scope: Scope, window: TimeRange, mark_ms: int, targets: Targets) -> JobEnd:
    """List the window by `scope` below its resume mark, and copy its recordings. Raises SourceError if the listing fails, after the
    recordings in flight have ended."""

    async def steps(pool: TransferPool, watch: _Watch) -> JobEnd | None:
        return await _left_over(job, pool, watch) or await _list_and_copy(job, pool, watch, scope, window, mark_ms, targets)

    return await _at_work(job, steps)


async def work_on_due(job: JobContext) -> JobEnd:
    """Try every due copy of the company once. Raises SourceError if a copy must be looked up again and the lookup fails."""
    return await _at_work(job, lambda pool, watch: _left_over(job, pool, watch))


async def _at_work(job: JobContext, steps: Callable[[TransferPool, _Watch], Awaitable[JobEnd | None]]) -> JobEnd:
    """Run the steps; their error is raised when the recordings in flight have ended. Holds that those recordings open count too."""
    failure: RokuonError | None = None
    end: JobEnd | None = None
    async with transfer_pool(job) as pool, _Watch(job, pool) as watch:
        try:
            end = await steps(pool, watch)
        except RokuonError as error:
            failure = error
    if failure:
        raise failure
    return JobEnd.HELD if pool.stopped_by else end or JobEnd.DONE


async def _left_over(job: JobContext, pool: TransferPool, watch: _Watch) -> JobEnd | None:
    beyond: Work | None = None
    while batch := await job.ledger.left_over(beyond):
        for works in by_fetch(batch):
            if end := watch.verdict():
                return end
            await pool.offer(*(await refreshed(works, job.context.source) if any(map(is_stale, works)) else works))
        beyond = batch[-1]
    return None


async def _list_and_copy(
    job: JobContext, pool: TransferPool, watch: _Watch, scope: Scope, window: TimeRange, mark_ms: int, targets: Targets
) -> JobEnd:
    if mark_ms <= window.after_ms:
        return JobEnd.DONE
    kinds = ALWAYS_BACKED_UP | {RecordingKind.VOICEMAIL} if targets.voicemail else ALWAYS_BACKED_UP
    ruled = targets.ruled if scope.kind is ScopeKind.COMPANY else None  # a listing by target does not contain the calls of others
    classifier = Classifier(targets.plans, targets.trainees, kinds=kinds, names=targets.names, ruled=ruled)
    # A conversation's legs may lie on both sides of a window's border, hours apart if the caller waited in a queue. Calls beyond the
    # border are listed only to connect the legs.
    top_ms = mark_ms + WAIT_FOR_LEGS_MS if mark_ms < window.before_ms else window.before_ms + PATIENCE_MS
    wanted = TimeRange(window.after_ms - PATIENCE_MS, top_ms)
    unread, outside = UnreadEntries(scope, window, targets), OutsideCalls(window)
    async with aclosing(one_ahead(job.context.source.pages(scope, wanted))) as pages:
        async for page in pages:
            if not (page.calls or page.malformed or page.last):
                # If the source ignores the end of the range, it returns newer calls first. A job that stopped there would start again.
                job.begin_share()
            batch = classifier.feed(page.calls)
            if page.last:
                batch += classifier.finish()
            batch = [call for call in batch if window.after_ms <= call.started_ms < window.before_ms]
            if scope.kind is not ScopeKind.COMPANY and lacks_legs(batch):
                return JobEnd.NARROW
            down_to_ms = window.after_ms if page.last else max(window.after_ms, min(window.before_ms, classifier.mark_ms))
            entries, whole = unread.of_page(page, batch)
            beside = outside.passed(classifier.outside(), classifier.inside_after_all(), down_to_ms)
            progress = ListingProgress(down_to_ms, 1, len(page.calls), entries, whole, beside)
            placed = await job.ledger.place(*plan_batch(batch, targets, job.now_ms()), progress)
            if placed is None:
                return JobEnd.UNWANTED
            reached("placed")
            for works in by_fetch(placed):
                if end := watch.verdict():
                    return end
                await pool.offer(*works)
            end = watch.verdict()
            if page.last:
                return JobEnd.DONE if end is JobEnd.MORE else end or JobEnd.DONE
            if end:
                return end
    raise SourceAnswerMalformed("the list ended without a last page")


async def one_ahead(pages: AsyncIterator[ListingPage]) -> AsyncGenerator[ListingPage]:
    """Yield the same pages, and list the next page while the caller processes one. A failure is raised when its page is due."""

    async def following() -> ListingPage | None:
        return await anext(pages, None)

    coming = asyncio.create_task(following())
    try:
        while page := await coming:
            if not page.last:
                coming = asyncio.create_task(following())
            yield page
            if page.last:
                return
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


def lacks_legs(batch: Sequence[Classified]) -> bool:
    """Whether a listing by target omitted the agent's leg of a listed conversation, and with it perhaps a recording."""
    return any(call.agent_leg_missing for call in batch)
