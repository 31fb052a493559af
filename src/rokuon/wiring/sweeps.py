"""Sweeps: what events missed is found by listing recent days again (M8; rows W3, S24, S25).

The list is filtered by start, and holds concluded calls only: a call of nine hours appears nine hours late, a recording perhaps weeks. So
each reach has its own rhythm, and the longest goes as far as a day may change (`domain.windows.SEALED_AFTER_DAYS`). When the last one of a
reach began stands in the ledger: a machine that slept goes on where it should be.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.exceptions import ObjectDoesNotExist
from django.db import DataError, IntegrityError, transaction
from django.db.models import Max

from rokuon.domain import windows
from rokuon.domain.ports import Jobs, TimeRange
from rokuon.domain.recording import ScopeKind
from rokuon.ledger import runs
from rokuon.ledger.models import Run
from rokuon.ledger.sql import ms
from rokuon.org.models import Company
from rokuon.org.tree import TargetSettings, assign_folder
from rokuon.wiring import backup_now
from rokuon.wiring.backup_now import NothingToBackUp

log = logging.getLogger(__name__)

Purpose = Run.Purpose


@dataclass(frozen=True, slots=True)
class Sweep:
    """How far back, and how often."""

    purpose: Purpose
    reach: timedelta
    every: timedelta


SWEEPS = (
    Sweep(Purpose.SWEEP_35D, timedelta(days=windows.SEALED_AFTER_DAYS), timedelta(days=7)),
    Sweep(Purpose.SWEEP_7D, timedelta(days=7), timedelta(days=1)),
    Sweep(Purpose.SWEEP_48H, timedelta(hours=48), timedelta(hours=2)),
    Sweep(Purpose.SWEEP_3H, timedelta(hours=3), timedelta(minutes=10)),
)
"""The longest first: one that reaches further does the work of those that reach less."""

KEPT = timedelta(days=8)


def due(company_id: int, now: datetime) -> Sweep | None:
    """The longest sweep whose time has come and which does not run yet; None where there is none."""
    began = dict(Run.objects.filter(company_id=company_id).order_by().values_list("purpose").annotate(Max("created_at")))
    running = set(Run.objects.filter(company_id=company_id, state__in=runs.OPEN).values_list("purpose", flat=True))
    latest: datetime | None = None
    for sweep in SWEEPS:
        times = [at for at in (latest, began.get(sweep.purpose)) if at is not None]
        latest = max(times, default=None)
        if sweep.purpose not in running and (latest is None or now - latest >= sweep.every):
            return sweep
    return None


@transaction.atomic
def start(company_id: int, sweep: Sweep, now: datetime, jobs: Jobs) -> bool:
    """Begin the sweep; False where nothing is backed up or another process began it."""
    company = Company.objects.get(pk=company_id)
    try:
        targets = backup_now.scope_targets(company, ScopeKind.COMPANY, 0)
    except NothingToBackUp:
        return False
    first = now - sweep.reach
    if sweep is SWEEPS[0]:
        # After a sleep longer than the longest reach: go on where the last one that ended had come to.
        ended = Run.objects.filter(company_id=company_id, purpose=sweep.purpose, state=Run.State.FINISHED).aggregate(at=Max("until"))["at"]
        first = min(first, ended or first)
    since = max(first, min(one.target.backed_up_at or first for one in targets))
    if since >= now:
        return False
    for one in targets:
        assign_folder(one.target)
    ids = [one.target.pk for one in targets]
    run, started = runs.open_run(company_id, ScopeKind.COMPANY, 0, ids, since, now, now, relist=False, purpose=sweep.purpose)
    if started:
        wanted = TimeRange(ms(since), ms(now))
        left_out = _before_their_rule(targets, wanted)
        planned = backup_now.plan(company, targets, wanted, now, relist=False, left_out=left_out, by_deadline=False)
        runs.add_windows(run, [backup_now.as_row(window) for window in planned], now)
        runs.queue_windows(company_id, now, jobs.enqueue_window)
        runs.end_done(company_id, now)
    return started


def _before_their_rule(targets: Sequence[TargetSettings], wanted: TimeRange) -> dict[int, set[date]]:
    """By target: the days before its rule was switched on. Those are Back up now's."""
    first = windows.day_of(wanted.after_ms)
    left_out = {}
    for one in targets:
        if one.target.backed_up_at is not None:
            days = (windows.day_of(ms(one.target.backed_up_at)) - first).days
            left_out[one.target.pk] = {first + timedelta(days=number) for number in range(days)}
    return left_out


def start_due(now: datetime, jobs: Jobs) -> None:
    """Begin whatever is due, for every company; where one begins, what ended long ago is forgotten."""
    for company_id in Company.objects.filter(enabled=True).exclude(api_key="").values_list("pk", flat=True):
        try:
            sweep = due(company_id, now)
            if sweep is not None and start(company_id, sweep, now, jobs):
                _forget_old(company_id, now)
        except (DataError, IntegrityError, LookupError, ObjectDoesNotExist, ValueError):
            # One company's oddity must not keep the others waiting; the next tick tries again.
            log.exception("sweep_not_started", extra={"company": company_id})


def _forget_old(company_id: int, now: datetime) -> None:
    """All but the latest of each reach and state: from those it is known when the next is due, and where a long sleep began."""
    sweeps = Run.objects.filter(company_id=company_id).exclude(purpose=Purpose.BACK_UP_NOW)
    latest = [row["latest"] for row in sweeps.order_by().values("purpose", "state").annotate(latest=Max("pk"))]
    sweeps.filter(finished_at__lt=now - KEPT).exclude(pk__in=latest).delete()
