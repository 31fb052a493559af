"""Live backup: back up calls that have just ended, seconds after their events.

An event only says which call to look for, and when it started. All waiting events are looked up together, in the fewest pages of the
list that contain their start times: the cost of a burst is a number of pages, not of calls. A call that cannot be assigned yet, because
a leg of its conversation is missing, is skipped: the event of that leg leads to it later, or a sweep finds it. No object gets a name
made from incomplete data.
"""

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from rokuon.domain.classify import ALWAYS_BACKED_UP, Classifier
from rokuon.domain.crashpoints import reached
from rokuon.domain.failures import HoldOn
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, RecordingKind
from rokuon.domain.work import ListingProgress, by_fetch

from .discover import Targets, plan_batch
from .window import JobContext, JobEnd, one_ahead, transfer_pool

MARGIN_MS = 1_000
"""The start times in an event and in the list may differ by rounding."""

UNTOLD_MS = 2 * 3_600_000
"""If an event has no start time, its call is looked for in this period before the event. Longer calls are left to the sweeps."""

APART_MS = 10 * 60_000
"""Calls whose starts are closer together than this are listed in one time range."""

MOST_PAGES = 60
"""Most pages of one lookup. The rest is left to the sweeps, so that a flood of events cannot block the live lane."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call to look for. `started_ms` is None if the event does not contain it; `told_ms` is the time of the event."""

    call_id: str
    started_ms: int | None
    told_ms: int


@dataclass(frozen=True, slots=True)
class Looked:
    """Result of a lookup. `found`: the calls of the hints that were listed and could be assigned, backed up or not."""

    found: frozenset[str]
    pages: int
    end: JobEnd


def stretches(wanted: Iterable[Wanted], apart_ms: int = APART_MS) -> list[TimeRange]:
    """Return the time ranges of the list that contain these calls, newest first; no two are closer than `apart_ms`. The ranges of calls
    without a start time are long, and come last."""
    calls = list(wanted)
    told = {(call.started_ms, call.started_ms) for call in calls if call.started_ms is not None}
    untold = {(call.told_ms - UNTOLD_MS, call.told_ms) for call in calls if call.started_ms is None}
    return _joined(told, apart_ms) + _joined(untold, apart_ms)


def _joined(spans: Iterable[tuple[int, int]], apart_ms: int) -> list[TimeRange]:
    found: list[TimeRange] = []
    for first, last in sorted(spans, reverse=True):
        if found and found[-1].after_ms - last <= apart_ms:
            found[-1] = TimeRange(first - MARGIN_MS, found[-1].before_ms)
        else:
            found.append(TimeRange(first - MARGIN_MS, last + MARGIN_MS + 1))
    return found


async def back_up_recent(job: JobContext, wanted: Sequence[Wanted], targets: Targets) -> Looked:
    """List the wanted calls, and place and copy their recordings if they are to be backed up. Raises SourceError if the listing fails."""
    if (HoldOn.SOURCE, "") in await job.ledger.holds():
        return Looked(frozenset(), 0, JobEnd.HELD)
    kinds = ALWAYS_BACKED_UP | {RecordingKind.VOICEMAIL} if targets.voicemail else ALWAYS_BACKED_UP
    classifier = Classifier(targets.plans, targets.trainees, kinds=kinds, names=targets.names)
    listed, pages = await _list(job, wanted, classifier)
    unclear = classifier.unclear()
    clear = [call for call in classifier.finish() if call.call_id not in unclear]
    placed = await job.ledger.place(*plan_batch(clear, targets, job.now_ms()), ListingProgress(0, pages=0, calls=0))
    reached("placed")
    async with transfer_pool(job) as pool:
        for works in by_fetch(placed or ()):
            if pool.stopped_by or job.time_up():
                break
            await pool.offer(*works)
    found = frozenset(call.call_id for call in wanted if call.call_id in listed and call.call_id not in unclear)
    return Looked(found, pages, JobEnd.HELD if pool.stopped_by else JobEnd.DONE)


async def _list(job: JobContext, wanted: Sequence[Wanted], classifier: Classifier) -> tuple[set[str], int]:
    """Feed the classifier with every call of the time ranges. Return the ids that were listed, and the number of pages."""
    listed: set[str] = set()
    pages = 0
    for stretch in stretches(wanted):
        async with aclosing(one_ahead(job.context.source.pages(COMPANY_SCOPE, stretch))) as answers:
            async for page in answers:
                pages += 1
                classifier.take(page.calls)
                listed.update(call.id for call in page.calls)
                if pages >= MOST_PAGES or job.time_up():
                    return listed, pages
    return listed, pages
