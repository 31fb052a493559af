"""How long a run may still take: what the ledger knows of it, at the budget that counts now. One answer for every surface."""

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
"""Requests of one download along the chain of redirects that Dialpad was seen to use (docs/design/dialpad.md section 3)."""


def budget_of(company: Company) -> CurrentBudget:
    """As it stands: lower than the set one for a while after Dialpad refused."""
    charge = {MediaCharge.NONE: 0, MediaCharge.ONE: 1, MediaCharge.EACH: HOPS}[MediaCharge(company.media_charge)]
    return CurrentBudget(budget.budget_state(company.pk).rate / SPACING, charge)


def of_run(company: Company, progress: RunProgress, rate: Rate, now: datetime) -> Left | None:
    """None where nothing of the run moves: it is paused or held, or Dialpad asked for a pause, or all that is left waits for later."""
    if _stopped(company.pk):
        return None
    run = progress.run
    targets = [target for target in run.targets if target in progress.targets]
    waiting = read.waiting_count(company.pk, targets, now, run.since, run.until)
    return throughput.seconds_left(progress, rate, budget_of(company), waiting)


def of_pending(company: Company, targets: Sequence[int], pending: int, per_second: float, now: datetime) -> float | None:
    """Seconds for the recordings that wait to be copied, less those that no one tries now; None where none moves."""
    if not pending or not per_second or _stopped(company.pk):
        return None
    moving = pending - read.waiting_count(company.pk, targets, now)
    return seconds_for(0, moving, budget_of(company), per_second) if moving > 0 else None


def _stopped(company_id: int) -> bool:
    held = any(hold.on == HoldOn.SOURCE for hold in holds.open_holds(company_id))
    return held or budget.budget_state(company_id).paused_until is not None
