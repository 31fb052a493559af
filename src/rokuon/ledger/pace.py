"""How fast a run goes, and how long it may still take, from what the ledger holds: whoever looks needs no memory of an earlier look."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from .models import Run
from .read import RunProgress
from .tally import Counts, verified_of_late

SEEN = timedelta(seconds=30)
SHORTEST = timedelta(seconds=1)
LISTED_ENOUGH = 0.1


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


def seconds_left(progress: RunProgress, pace: Rate) -> float | None:
    """None while too little is listed to say, or nothing moves. What is not listed yet counts as much as what was listed already."""
    if progress.run.finished_at is not None:
        return 0.0
    share = progress.windows_done / progress.windows if progress.windows else 1.0
    if pace.recordings <= 0 or share < LISTED_ENOUGH:
        return None
    return (progress.total.pending + progress.found * (1 / share - 1)) / pace.recordings


def expected(progress: RunProgress) -> int | None:
    """How many recordings the run may come to, by the same measure; None while too little is listed to say."""
    share = progress.windows_done / progress.windows if progress.windows else 1.0
    if share < LISTED_ENOUGH and progress.run.finished_at is None:
        return None
    more = progress.found * (1 / share - 1) if progress.run.finished_at is None else 0
    return progress.total.discovered + round(more)
