"""Start a Back up now: the scope's targets, their windows, the run, its first jobs (M11)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db import transaction

from rokuon.backup.backfill import ListedTarget, PlannedWindow, plan_windows
from rokuon.base.i18n import _
from rokuon.completeness.options import fingerprint
from rokuon.domain import windows
from rokuon.domain.failures import ConfigError
from rokuon.domain.ports import Jobs, TimeRange
from rokuon.domain.recording import Bound, Scope, ScopeKind
from rokuon.ledger import bucket_change, coverage, runs
from rokuon.ledger.models import Run
from rokuon.ledger.sql import at, ms
from rokuon.org import ranges
from rokuon.org.models import Company, Target
from rokuon.org.tree import TargetSettings, assign_folder, target_settings, zone_of


@dataclass(frozen=True, slots=True)
class Started:
    """A started run. `joined`: a run for this scope was running or paused already; `resumed`: it was paused."""

    run_id: int
    joined: bool
    resumed: bool = False


class Obstacle(StrEnum):
    """The setting that prevents any backup of a scope."""

    NOT_ENABLED = "not_enabled"
    NO_RULE = "no_rule"
    NO_BUCKET = "no_bucket"


class NothingToBackUp(ConfigError):
    """The settings leave nothing to back up in a scope. The sentence states the cause; each page or command adds where to change it."""

    obstacle: Obstacle | None = None

    @classmethod
    def because_of(cls, obstacle: Obstacle) -> "NothingToBackUp":
        sentences = {
            Obstacle.NOT_ENABLED: _("Backup is not enabled for the company."),
            Obstacle.NO_RULE: _("No contact center or coaching team here has a backup rule."),
            Obstacle.NO_BUCKET: _("No bucket is chosen."),
        }
        error = cls(sentences[obstacle])
        error.obstacle = obstacle
        return error


def scope_targets(company: Company, scope_kind: ScopeKind, scope_id: int) -> list[TargetSettings]:
    """Return the targets of the scope that are backed up and have a bucket. Raises NothingToBackUp if there is none."""
    if not company.enabled:
        raise NothingToBackUp.because_of(Obstacle.NOT_ENABLED)
    inside = [
        one
        for one in target_settings(company)
        if scope_kind is ScopeKind.COMPANY
        or (scope_kind is ScopeKind.OFFICE and one.target.office_id == scope_id)
        or (one.target.kind == scope_kind and one.target.pk == scope_id)
    ]
    ruled = [one for one in inside if one.target.backed_up]
    if not ruled:
        raise NothingToBackUp.because_of(Obstacle.NO_RULE)
    ready = [one for one in ruled if one.effective.bucket is not None]
    if not ready:
        raise NothingToBackUp.because_of(Obstacle.NO_BUCKET)
    return ready


def default_range(targets: Sequence[TargetSettings], now: datetime) -> TimeRange:
    """Return the past two years, from the earliest local midnight among the targets' zones (M11, S32)."""
    ranges = [windows.past_two_years(ms(now), zone_of(one.target)) for one in targets]
    return min(ranges, key=lambda wanted: wanted.after_ms)


def plan(
    company: Company,
    targets: Sequence[TargetSettings],
    wanted: TimeRange,
    now: datetime,
    *,
    scope_kind: ScopeKind,
    relist: bool,
    left_out: Mapping[int, set[date]] | None = None,
    by_deadline: bool = True,
) -> list[PlannedWindow]:
    """Return the windows that a run of such a scope over these targets would list now. `left_out` are further days of a target that are not
    listed. With `relist`, a run of the company lists the company, also where a listing by target is trusted and costs fewer pages: only
    that counts the calls outside every rule.

    `by_deadline` is for runs over the past, which may take so long that some recordings leave the access window in the meantime.
    """
    ids = [one.target.pk for one in targets]
    sealed = {} if relist else coverage.sealed_days(ids, fingerprint(company))
    sealed = {target: sealed.get(target, set()) | (left_out or {}).get(target, set()) for target in ids}
    by_company = relist and scope_kind is ScopeKind.COMPANY
    # If Dialpad ignores the end of the range, every window of a target is read from now backwards: a company listing costs fewer pages.
    endless = ranges.kinds_that_ignore(company.pk, Bound.BEFORE)
    listed = [
        ListedTarget(
            one.target.pk,
            Scope(ScopeKind(one.target.kind), one.target.dialpad_id),
            sealed[one.target.pk],
            bool(company.listing_trust.get(one.target.kind)) and one.target.kind not in endless and not by_company,
        )
        for one in targets
    ]
    active = Target.objects.filter(company=company).exclude(state="deleted").count()
    access_window = company.access_window_days if by_deadline else None
    return plan_windows(listed, wanted, company_targets=active, now_ms=ms(now), access_window_days=access_window)


@transaction.atomic
def start(
    company_id: int, scope_kind: ScopeKind, scope_id: int, wanted: TimeRange | None, now: datetime, jobs: Jobs, *, relist: bool = False
) -> Started:
    """Start a run for a company (`scope_id` 0), an office or a target, or join the one that is running for it; a paused run is resumed.

    Only missing or failed recordings are copied: sealed days are not listed again (unless `relist`), failed copies are tried once more.
    Raises NothingToBackUp.
    """
    company = Company.objects.get(pk=company_id)
    targets = scope_targets(company, scope_kind, scope_id)
    for one in targets:
        assign_folder(one.target)
    wanted = wanted or default_range(targets, now)
    ids = [one.target.pk for one in targets]
    since, until = at(wanted.after_ms), at(wanted.before_ms)
    run, started = runs.open_run(company_id, scope_kind, scope_id, ids, since, until, now, relist=relist)
    if started:
        planned = plan(company, targets, wanted, now, scope_kind=scope_kind, relist=relist)
        runs.add_windows(run, [as_row(window) for window in planned], now)
        bucket_change.follow_bucket(
            company_id, {one.target.pk: one.effective.bucket for one in targets if one.effective.bucket}, since, until, now
        )
        runs.take_up(company_id, ids, since, until, now)
    resumed = runs.resume(run.pk, now)
    runs.wake(run.pk, now)
    _set_going(company_id, now, jobs)
    return Started(run.pk, joined=not started, resumed=resumed)


@transaction.atomic
def resume(run: Run, now: datetime, jobs: Jobs) -> bool:
    """Resume a paused run where it left off. Return False if it is not paused."""
    resumed = runs.resume(run.pk, now)
    if resumed:
        _set_going(run.company_id, now, jobs)
    return resumed


def _set_going(company_id: int, now: datetime, jobs: Jobs) -> None:
    # A failed copy of a sealed day is in no window: the company's own job finds it.
    jobs.enqueue_due(company_id)
    runs.queue_windows(company_id, now, jobs.enqueue_window)
    runs.end_done(company_id, now)


def as_row(window: PlannedWindow) -> runs.WindowPlan:
    return runs.WindowPlan(window.scope.kind, window.scope.id, window.targets, at(window.wanted.after_ms), at(window.wanted.before_ms))
