"""How fast a run goes, and how long it may still take, from what the ledger holds: whoever looks needs no memory of an earlier look."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from rokuon.domain.pace import LISTED_ENOUGH, CurrentBudget, Left, left

from .models import Run
from .read import RunProgress
from .tally import Counts, verified_of_late

SEEN = timedelta(seconds=30)
SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """Per second."""

    recordings: float
    bytes: float


def settled(counts: Counts) -> int:
    """Recordings whose fate is known: all but the pending."""
    return counts.discovered - counts.pending


def rate(run: Run, now: datetime, within: Set[int] | None = None) -> Rate:
    """What was verified of the run's targets (with `within`, of these among them) in the last 30 seconds, or since the run began.
    Nothing, where the run does not run."""
    if run.state != Run.State.RUNNING:
        return Rate(0, 0)
    targets = list(run.targets) if within is None else [target for target in run.targets if target in within]
    seen = verified_of_late(run.company_id, targets, max(SHORTEST, min(SEEN, now - run.created_at)))
    return Rate(seen.copies / seen.seconds, seen.bytes / seen.seconds)


def seconds_left(progress: RunProgress, pace: Rate, budget: CurrentBudget, waiting: int) -> Left | None:
    """What is left of the run; `waiting` of its pending copies cannot be tried now (`read.waiting_count`). None where it does not run, or
    nothing of it moves."""
    if progress.run.state != Run.State.RUNNING:
        return None
    return left(progress.listed, progress.total.pending - waiting, waiting + progress.postponed, budget, pace.recordings)


def expected(progress: RunProgress) -> int | None:
    """How many recordings the run may come to, by the same measure; None while too little is listed to say."""
    if progress.run.finished_at is not None:
        return progress.total.discovered
    if progress.listed.share < LISTED_ENOUGH:
        return None
    return progress.total.discovered + round(progress.listed.ahead(progress.listed.found))
