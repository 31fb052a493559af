"""Audited run operations (start, pause, resume, cancel), each in one transaction."""

from datetime import datetime

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.domain.ports import Jobs, TimeRange
from rokuon.domain.recording import ScopeKind
from rokuon.ledger import runs
from rokuon.ledger.models import Run
from rokuon.org.models import Company, Office, Target
from rokuon.wiring import backup_now
from rokuon.wiring.backup_now import Started


@transaction.atomic
def start(
    company: Company,
    scope_kind: ScopeKind,
    scope_id: int,
    wanted: TimeRange | None,
    jobs: Jobs,
    actor: Actor,
    now: datetime,
    *,
    relist: bool = False,
) -> Started:
    """Start, join or resume a run (`backup_now.start`) and audit it."""
    started = backup_now.start(company.pk, scope_kind, scope_id, wanted, now, jobs, relist=relist)
    run = Run.objects.get(pk=started.run_id)
    what = "run.resume" if started.resumed else "run.join" if started.joined else "run.start"
    _record(run, what, actor, now, after={"since": run.since.isoformat(), "until": run.until.isoformat(), "relist": run.relist})
    return started


@transaction.atomic
def pause(run: Run, actor: Actor, now: datetime) -> bool:
    return _told(runs.pause(run.pk, now), run, "run.pause", actor, now)


@transaction.atomic
def resume(run: Run, jobs: Jobs, actor: Actor, now: datetime) -> bool:
    return _told(backup_now.resume(run, now, jobs), run, "run.resume", actor, now)


@transaction.atomic
def cancel(run: Run, actor: Actor, now: datetime) -> bool:
    return _told(runs.cancel(run.pk, now), run, "run.cancel", actor, now)


def _told(done: bool, run: Run, action: str, actor: Actor, now: datetime) -> bool:
    """Return `done`; a call that changed nothing adds no audit log entry."""
    if done:
        _record(run, action, actor, now)
    return done


def _record(run: Run, action: str, actor: Actor, now: datetime, after: dict[str, object] | None = None) -> None:
    name, office_id = _scope(run)
    audit.record(actor, action, now=now, company_id=run.company_id, office_id=office_id, subject=("run", run.pk, name), after=after)


def _scope(run: Run) -> tuple[str, int | None]:
    """Return the current name of the run's scope, and the id of its office."""
    if run.scope_kind == ScopeKind.COMPANY:
        return run.company.name, None
    if run.scope_kind == ScopeKind.OFFICE:
        return Office.objects.get(pk=run.scope_id).name, run.scope_id
    target = Target.objects.get(pk=run.scope_id)
    return target.name, target.office_id
