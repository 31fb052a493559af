"""Sweeps (reconciliation polls): list recent days again to find what events missed (M8; rows W3, S24, S25).

The list is filtered by start and contains concluded calls only: a call of nine hours appears nine hours late, a recording perhaps weeks
late. So each reach has its own interval, and the longest goes back as far as a day may change (`domain.windows.SEALED_AFTER_DAYS`). The
ledger holds when the last sweep of a reach began, so a machine that slept continues at the right point.

A sweep lists every wanted day of its reach: days since a target's rule was switched on, and earlier days that a Back up now has listed.
So it finds calls that were in progress when Back up now listed, and recordings that appeared a day later.

Beyond its reach, the longest sweep lists wanted days that are not listed, or do not count as listed any more, for example because a user
joined a coaching team. If there are such days, it begins within a day, in place of the next sweep.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from django.core.exceptions import ObjectDoesNotExist
from django.db import DataError, IntegrityError, transaction
from django.db.models import Max, Min

from rokuon.completeness import unknown
from rokuon.domain import windows
from rokuon.domain.clocks import MOST_APART
from rokuon.domain.ports import Jobs, TimeRange
from rokuon.domain.recording import ScopeKind
from rokuon.ledger import runs
from rokuon.ledger.models import Run
from rokuon.ledger.sql import at, ms
from rokuon.ledger.unlisted import COMING
from rokuon.org.models import Company
from rokuon.org.tree import TargetSettings, assign_folder
from rokuon.wiring import backup_now
from rokuon.wiring.backup_now import NothingToBackUp

log = logging.getLogger(__name__)

Purpose = Run.Purpose


@dataclass(frozen=True, slots=True)
class Sweep:
    """A kind of sweep: how far back it goes, and how often it runs."""

    purpose: Purpose
    reach: timedelta
    every: timedelta


SWEEPS = (
    Sweep(Purpose.SWEEP_35D, timedelta(days=windows.SEALED_AFTER_DAYS), timedelta(days=7)),
    Sweep(Purpose.SWEEP_7D, timedelta(days=7), timedelta(days=1)),
    Sweep(Purpose.SWEEP_48H, timedelta(hours=48), timedelta(hours=2)),
    Sweep(Purpose.SWEEP_3H, timedelta(hours=3), timedelta(minutes=10)),
)
"""The longest first: a sweep with a longer reach also does the work of the shorter ones."""

BEYOND = SWEEPS[:2]
"""These run rarely enough to check for missing days beyond their reach."""

KEPT = timedelta(days=8)
NEVER = datetime.max.replace(tzinfo=UTC)


def due(company_id: int, now: datetime) -> Sweep | None:
    """Return the longest sweep that is due and not running; None if there is none."""
    known = Run.objects.filter(company_id=company_id, created_at__lte=now + MOST_APART)
    began = dict(known.order_by().values_list("purpose").annotate(Max("created_at")))
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
    """Begin the sweep. Return False if nothing is backed up or another process began it."""
    company = Company.objects.get(pk=company_id)
    try:
        targets = backup_now.scope_targets(company, ScopeKind.COMPANY, 0)
    except NothingToBackUp:
        return False
    beyond = _beyond(company, targets, now, now - sweep.reach) if sweep in BEYOND else Beyond({}, untried=False)
    if beyond.untried and not Run.objects.filter(company_id=company_id, state__in=runs.OPEN, purpose=SWEEPS[0].purpose).exists():
        sweep = SWEEPS[0]
    first = (_last_whole_look(company_id, now) if sweep is SWEEPS[0] else now) - sweep.reach
    wanted_days = {
        target: [(max(begun, first), until) for begun, until in ranges] + (beyond.days.get(target, []) if sweep is SWEEPS[0] else [])
        for target, ranges in _wanted(company_id, targets, first).items()
    }
    since = min(begun for ranges in wanted_days.values() for begun, _ in ranges)
    if since >= now:
        return False
    for one in targets:
        assign_folder(one.target)
    ids = [one.target.pk for one in targets]
    run, started = runs.open_run(company_id, ScopeKind.COMPANY, 0, ids, since, now, now, relist=False, purpose=sweep.purpose)
    if started:
        wanted = TimeRange(ms(since), ms(now))
        left_out = {target: _days_outside(ranges, wanted) for target, ranges in wanted_days.items()}
        planned = backup_now.plan(
            company, targets, wanted, now, scope_kind=ScopeKind.COMPANY, relist=False, left_out=left_out, by_deadline=False
        )
        runs.add_windows(run, [backup_now.as_row(window) for window in planned], now)
        runs.queue_windows(company_id, now, jobs.enqueue_window)
        runs.end_done(company_id, now)
    return started


def _last_whole_look(company_id: int, now: datetime) -> datetime:
    """Return the time from which the longest sweep reaches back: days that could still change at that time must be listed once more.

    It is the earlier of two times: the start of the last longest sweep, and the start of any Back up now that has ended since. Days that
    this run listed first may have changed. So a recording that appears within the reach after its call is always listed afterwards, for
    any interval.
    """
    ended = Run.objects.filter(company_id=company_id, state=Run.State.FINISHED, created_at__lte=now + MOST_APART)
    last = ended.filter(purpose=Purpose.SWEEP_35D).aggregate(at=Max("until"))["at"]
    asked_for = ended.filter(purpose=Purpose.BACK_UP_NOW)
    if last is not None:
        asked_for = asked_for.filter(finished_at__gt=last)
    times = [at for at in (last, asked_for.aggregate(at=Min("created_at"))["at"], now) if at is not None]
    return min(times)


Ranges = list[tuple[datetime, datetime]]


@dataclass(frozen=True, slots=True)
class Beyond:
    """By target: wanted days that are not listed. `untried`: for some of them no run has tried to list them."""

    days: dict[int, Ranges]
    untried: bool


def _beyond(company: Company, targets: Sequence[TargetSettings], now: datetime, reach: datetime) -> Beyond:
    """Return such days before `reach`, without days that were never requested, that a person cancelled, or that a run will list."""
    last = windows.day_of(ms(reach))
    gaps = [replace(gap, last=min(gap.last, last)) for gap in unknown.find_unknown(company, [one.target for one in targets], now).gaps]
    gaps = [gap for gap in gaps if gap.reason != COMING and gap.first <= gap.last]
    if not gaps:
        return Beyond({}, untried=False)
    wanted = _wanted(company.pk, targets, at(windows.day_start_ms(min(gap.first for gap in gaps))), now)
    found: dict[int, Ranges] = {}
    untried = False
    for gap in gaps:
        # Whole days only: a partly wanted day is never listed from end to end, and would be listed again forever.
        whole = [_whole_days(since, min(until, now)) for since, until in wanted.get(gap.target_id, [])]
        parts = [(max(gap.first, first), min(gap.last, last)) for first, last in whole]
        parts = [(first, last) for first, last in parts if first <= last]
        found.setdefault(gap.target_id, []).extend(
            (at(windows.day_start_ms(first)), at(windows.day_start_ms(last) + windows.DAY_MS - 1)) for first, last in parts
        )
        untried |= bool(parts) and gap.reason in unknown.NOT_TRIED
    return Beyond({target: ranges for target, ranges in found.items() if ranges}, untried)


def _whole_days(since: datetime, until: datetime) -> tuple[date, date]:
    """Return the first and the last day that are completely in the range; the first is after the last if there is none."""
    return windows.day_of(ms(since) + windows.DAY_MS - 1), windows.day_of(ms(until)) - timedelta(days=1)


def _wanted(company_id: int, targets: Sequence[TargetSettings], first: datetime, unruled: datetime | None = None) -> dict[int, Ranges]:
    """Return, by target, the wanted ranges of the time since `first`. The range of an open run is left to that run, also while it is
    paused; once it has ended, `_last_whole_look` covers what it listed too early. If it is unknown when a target got its rule, `unruled` or
    `first` is used."""
    found: dict[int, Ranges] = {one.target.pk: [(one.target.backed_up_at or unruled or first, NEVER)] for one in targets}
    asked_for = Run.objects.filter(company_id=company_id, purpose=Purpose.BACK_UP_NOW, state=Run.State.FINISHED, until__gt=first)
    for ids, since, until in asked_for.values_list("targets", "since", "until"):
        for target in ids:
            if target in found:
                found[target].append((since, until))
    return found


def _days_outside(ranges: Ranges, wanted: TimeRange) -> set[date]:
    """Return the days that no range touches."""
    first, last = windows.day_of(wanted.after_ms), windows.day_of(wanted.before_ms)
    days = {first + timedelta(days=number) for number in range((last - first).days + 1)}
    for since, until in ranges:
        begun, ended = windows.day_of(ms(since)), windows.day_of(ms(min(until, at(wanted.before_ms))))
        days -= {day for day in days if begun <= day <= ended}
    return days


def start_due(now: datetime, jobs: Jobs) -> None:
    """Begin the due sweep of every company; if one begins, delete the company's old sweeps."""
    for company_id in Company.objects.filter(enabled=True).exclude(api_key="").values_list("pk", flat=True):
        try:
            sweep = due(company_id, now)
            if sweep is not None and start(company_id, sweep, now, jobs):
                _forget_old(company_id, now)
        except (DataError, IntegrityError, LookupError, ObjectDoesNotExist, ValueError):
            # A fault of one company must not delay the others; the next tick tries again.
            log.exception("sweep_not_started", extra={"company": company_id})


def _forget_old(company_id: int, now: datetime) -> None:
    """Delete old sweeps except the latest of each reach and state: these show when the next is due, and when a long sleep began."""
    sweeps = Run.objects.filter(company_id=company_id).exclude(purpose=Purpose.BACK_UP_NOW)
    latest = [row["latest"] for row in sweeps.order_by().values("purpose", "state").annotate(latest=Max("pk"))]
    sweeps.filter(finished_at__lt=now - KEPT).exclude(pk__in=latest).delete()
