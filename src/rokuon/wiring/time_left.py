"""Remaining time of a run, from the ledger and the current budget; the same for every page and command."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rokuon.domain.failures import HoldOn, SourceThrottled
from rokuon.domain.pace import SPACING, CurrentBudget, Left, seconds_for
from rokuon.domain.settings import MediaCharge
from rokuon.ledger import holds, tally, throughput, waiting
from rokuon.ledger.read import RunProgress
from rokuon.ledger.throughput import Rate
from rokuon.ledger.waiting import StoppedCopies
from rokuon.org import budget
from rokuon.org.models import Company

HOPS = 3
"""Requests of one download along the chain of redirects observed at Dialpad (docs/design/dialpad.md section 3)."""


def budget_of(company: Company) -> CurrentBudget:
    """Return the current budget: lower than the configured one for some time after Dialpad refused requests."""
    charge = {MediaCharge.NONE: 0, MediaCharge.ONE: 1, MediaCharge.EACH: HOPS}[MediaCharge(company.media_charge)]
    return CurrentBudget(budget.budget_state(company.pk).rate / SPACING, charge)


@dataclass(frozen=True, slots=True)
class Remaining:
    """Remaining work. `left` is the time for what can be tried now, None if nothing can; `stopped` is what cannot be tried now, and why: it
    has no remaining time."""

    left: Left | None
    stopped: Sequence[StoppedCopies] = ()


def of_run(company: Company, progress: RunProgress, rate: Rate, now: datetime) -> Remaining:
    """Return the remaining work of a run. It has no time left if it makes no progress: it is paused or held, Dialpad asked for a pause, or
    only waiting copies are left."""
    run = progress.run
    stopped = _stopped(company, [target for target in run.targets if target in progress.targets], now, run.since, run.until)
    if _stands_still(company.pk):
        return Remaining(None, stopped)
    not_now = sum(one.copies for one in stopped)
    return Remaining(throughput.seconds_left(progress, rate, budget_of(company), not_now), stopped)


def of_pending(company: Company, targets: Sequence[int], pending: int, per_second: float, now: datetime) -> Remaining:
    """Return the remaining work of the pending recordings. It has no time left if there is no progress."""
    stopped = _stopped(company, targets, now) if pending else []
    moving = pending - sum(one.copies for one in stopped)
    if moving <= 0 or not per_second or _stands_still(company.pk):
        return Remaining(None, stopped)
    seconds = seconds_for(0, moving, budget_of(company), per_second)
    return Remaining(Left(seconds, seconds, more=bool(stopped)), stopped)


def _stopped(
    company: Company, targets: Sequence[int], now: datetime, since: datetime | None = None, until: datetime | None = None
) -> list[StoppedCopies]:
    found = waiting.stopped(company.pk, targets, now, since, until)
    until_when = budget.budget_state(company.pk).paused_until
    if until_when is None or any(one.held for one in found):
        return found
    pending = sum(counts.pending for counts in tally.counts_by_target(company.pk, targets, since, until).values())
    return [StoppedCopies(SourceThrottled.reason, pending, held=False, next_at=until_when)] if pending else []


def _stands_still(company_id: int) -> bool:
    held = any(hold.on == HoldOn.SOURCE for hold in holds.open_holds(company_id))
    return held or budget.budget_state(company_id).paused_until is not None
