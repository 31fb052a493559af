"""Remaining time of a run, from the ledger and the current budget; the same for every page and command."""

from collections.abc import Sequence
from datetime import datetime

from rokuon.domain.failures import HoldOn
from rokuon.domain.pace import SPACING, CurrentBudget, Left, seconds_for
from rokuon.domain.settings import MediaCharge
from rokuon.ledger import holds, read, throughput
from rokuon.ledger.read import RunProgress
from rokuon.ledger.throughput import Rate
from rokuon.org import budget
from rokuon.org.models import Company

HOPS = 3
"""Requests of one download along the chain of redirects observed at Dialpad (docs/design/dialpad.md section 3)."""


def budget_of(company: Company) -> CurrentBudget:
    """Return the current budget: lower than the configured one for some time after Dialpad refused requests."""
    charge = {MediaCharge.NONE: 0, MediaCharge.ONE: 1, MediaCharge.EACH: HOPS}[MediaCharge(company.media_charge)]
    return CurrentBudget(budget.budget_state(company.pk).rate / SPACING, charge)


def of_run(company: Company, progress: RunProgress, rate: Rate, now: datetime) -> Left | None:
    """Return the remaining time of a run. None if it makes no progress: it is paused or held, Dialpad asked for a pause, or only waiting
    copies are left."""
    if _stopped(company.pk):
        return None
    run = progress.run
    targets = [target for target in run.targets if target in progress.targets]
    waiting = read.waiting_count(company.pk, targets, now, run.since, run.until)
    return throughput.seconds_left(progress, rate, budget_of(company), waiting)


def of_pending(company: Company, targets: Sequence[int], pending: int, per_second: float, now: datetime) -> float | None:
    """Return the seconds for the pending recordings without those that cannot be tried now; None if there is no progress."""
    if not pending or not per_second or _stopped(company.pk):
        return None
    moving = pending - read.waiting_count(company.pk, targets, now)
    return seconds_for(0, moving, budget_of(company), per_second) if moving > 0 else None


def _stopped(company_id: int) -> bool:
    held = any(hold.on == HoldOn.SOURCE for hold in holds.open_holds(company_id))
    return held or budget.budget_state(company_id).paused_until is not None
