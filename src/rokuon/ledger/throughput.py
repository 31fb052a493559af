"""Speed and remaining time of a run, computed from the ledger alone: the caller needs no data of an earlier call."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from rokuon.domain.pace import CurrentBudget, Left, left

from .models import Run
from .read import RunProgress
from .tally import Counts, verified_recently

SEEN = timedelta(seconds=30)
SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Rate:
    """Recordings and bytes per second."""

    recordings: float
    bytes: float


def settled(counts: Counts) -> int:
    """Return the number of recordings with a result: all except the pending ones."""
    return counts.discovered - counts.pending


def rate(run: Run, now: datetime, within: Set[int] | None = None) -> Rate:
    """Return the rate of verified copies of the run's targets (with `within`, of these among them) in the last 30 seconds, or since the run
    began; 0 if the run is not running."""
    if run.state != Run.State.RUNNING:
        return Rate(0, 0)
    targets = list(run.targets) if within is None else [target for target in run.targets if target in within]
    seen = verified_recently(run.company_id, targets, max(SHORTEST, min(SEEN, now - run.created_at)))
    return Rate(seen.copies / seen.seconds, seen.bytes / seen.seconds)


def seconds_left(progress: RunProgress, pace: Rate, budget: CurrentBudget, waiting: int) -> Left | None:
    """Return the remaining time of the run; `waiting` of its pending copies cannot be tried now (`waiting.stopped`). None if it is not
    running, or if only waiting copies are left."""
    if progress.run.state != Run.State.RUNNING:
        return None
    return left(progress.listed, progress.total.pending - waiting, waiting + progress.postponed, budget, pace.recordings)
