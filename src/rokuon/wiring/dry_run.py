"""Dry run (`backup-now --dry-run`): estimate what a run would list, copy and cost, before it starts (M11, C12)."""

from dataclasses import dataclass
from datetime import datetime

from rokuon.backup.backfill import PlannedWindow
from rokuon.backup.discover import Targets
from rokuon.backup.estimate import BYTES_PER_MS, Estimate, Rates
from rokuon.backup.estimate import estimate as estimate_windows
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import ScopeKind
from rokuon.ledger import read
from rokuon.ledger.sql import at
from rokuon.org.models import Company
from rokuon.wiring.backup_now import default_range, plan, scope_targets
from rokuon.wiring.job_handlers import JobHandlers
from rokuon.wiring.targets import load_targets
from rokuon.wiring.time_left import budget_of


async def estimate(
    engine: "JobHandlers",
    company_id: int,
    scope_kind: ScopeKind,
    scope_id: int,
    wanted: TimeRange | None,
    now: datetime,
    *,
    relist: bool = False,
) -> Estimate:
    """Estimate what `start` would do now, with one listing request per window. Changes nothing. Raises what `start` and a listing raise."""
    facts = await engine.db(_plan_facts, company_id, scope_kind, scope_id, wanted, now, relist=relist)
    return await estimate_windows(await engine.connections.source(company_id), facts.windows, facts.targets, facts.rates, facts.already)


@dataclass(frozen=True, slots=True)
class _PlanFacts:
    windows: list[PlannedWindow]
    targets: Targets
    rates: Rates
    already: int


def _plan_facts(
    company_id: int, scope_kind: ScopeKind, scope_id: int, wanted: TimeRange | None, now: datetime, *, relist: bool
) -> _PlanFacts:
    company = Company.objects.get(pk=company_id)
    targets = scope_targets(company, scope_kind, scope_id)
    wanted = wanted or default_range(targets, now)
    ids = [one.target.pk for one in targets]
    planned = plan(company, targets, wanted, now, scope_kind=scope_kind, relist=relist)
    already = sum(_verified(company_id, window) for window in planned)
    ever = sum(read.counts_by_target(company_id).values(), read.Counts())
    rates = Rates(budget_of(company), ever.bytes / ever.recorded_ms if ever.recorded_ms else BYTES_PER_MS)
    return _PlanFacts(planned, load_targets(company, ids), rates, already)


def _verified(company_id: int, window: PlannedWindow) -> int:
    counts = read.counts_by_target(company_id, window.targets, at(window.wanted.after_ms), at(window.wanted.before_ms))
    return sum(one.verified for one in counts.values())
