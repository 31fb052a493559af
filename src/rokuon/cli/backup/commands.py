"""`rokuon backup-now` and `rokuon runs`: options, and the order of their steps."""

from typing import Any

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import run_preparation, runs
from rokuon.base.i18n import _, ngettext
from rokuon.cli.main import INTERRUPTED, OK
from rokuon.cli.support import output, pauses, selectors
from rokuon.cli.support.commands import Command
from rokuon.cli.support.ensure_worker import EnsuredWorker
from rokuon.cli.support.row_id import ROW_ID
from rokuon.cli.support.session import CliSession, opened
from rokuon.cli.support.subprocesses import stoppable
from rokuon.domain import windows
from rokuon.domain.failures import ConfigError
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import ScopeKind
from rokuon.jobs import queue
from rokuon.ledger import read
from rokuon.ledger.models import Run
from rokuon.ledger.sql import ms
from rokuon.org.models import Company
from rokuon.wiring.backup_now import Started

from .follow import as_data, follow
from .plan import show_plan
from .prerequisites import advised
from .result import conclude


@click.command(
    "backup-now",
    cls=Command,
    help=_(
        "Back up now: every recording of the past two years, or of the dates you name. What is verified already is not fetched again; "
        "what failed is tried again. Can be interrupted at any time; the next start resumes where it left off."
    ),
)
@selectors.company_option
@selectors.scope_options
@click.option(
    "--since", metavar="DATE", help=_("First date of the calls, YYYY-MM-DD, in the company's time zone. Without it: two years ago.")
)
@click.option("--until", metavar="DATE", help=_("Last date of the calls, YYYY-MM-DD, in the company's time zone. Without it: now."))
@click.option("--dry-run", is_flag=True, help=_("Show what would be done: pages, calls, recordings, bytes, requests, time."))
@click.option("--relist", is_flag=True, help=_("Check everything again: also list days that were found complete."))
@click.option("--detach", is_flag=True, help=_("Start and return at once; a worker does the rest."))
@selectors.json_option
def backup_now_command(
    company_name: str | None,
    office_name: str | None,
    target_name: str | None,
    since: str | None,
    until: str | None,
    dry_run: bool,
    relist: bool,
    detach: bool,
    as_json: bool,
) -> int:
    if office_name is not None and target_name is not None:
        raise click.UsageError(_("Name an office or a target, not both."), click.get_current_context())
    with stoppable(), opened(guards=True) as session, advised():
        company = selectors.company(company_name)
        kind, scope_id = _scope(company, office_name, target_name)
        zone = session.zone_of(company)
        now = session.now()
        wanted: TimeRange | None = None
        if since is not None or until is not None:
            wanted = windows.asked_range(since, until, now_ms=ms(now), timezone_name=zone, translate=_)
        with pauses.told(company):
            if dry_run:
                return show_plan(session, company, kind, scope_id, wanted, relist=relist, as_json=as_json)
            run_preparation.prepare(session.installation, company, kind, COMMAND_LINE, now)
        started = runs.start(company, kind, scope_id, wanted, queue, COMMAND_LINE, now, relist=relist)
        run = Run.objects.get(pk=started.run_id)
        if not as_json:
            _say_started(run, zone, joined=started.joined, resumed=started.resumed)
        if detach:
            _detached(started, as_json=as_json)
            return OK
        return _to_the_end(session, run, zone, as_json=as_json)


def _scope(company: Company, office_name: str | None, target_name: str | None) -> tuple[ScopeKind, int]:
    if target_name is not None:
        target = selectors.target(company, target_name)
        return ScopeKind(target.kind), target.pk
    if office_name is not None:
        office = selectors.office(company, office_name)
        return ScopeKind.OFFICE, office.pk
    return ScopeKind.COMPANY, 0


def _to_the_end(session: CliSession, run: Run, zone: str, *, as_json: bool) -> int:
    try:
        with EnsuredWorker(session, quiet=as_json) as worker:
            end, view = follow(run.pk, as_json=as_json, keep_working=worker.keep_working)
    except KeyboardInterrupt:
        click.echo(
            "\n"
            + _("Stopped watching. The run %(run)d is kept: a worker continues it, and so does the next `rokuon backup-now`.")
            % {"run": run.pk},
            err=True,
        )
        click.echo(_("To end it instead: rokuon runs --cancel %(run)d") % {"run": run.pk}, err=True)
        return INTERRUPTED
    code = conclude(end, view, zone, quiet=as_json)
    if as_json:
        output.write_json_line({**as_data(view), "end": end.value, "exit_code": code})
    return code


def _say_started(run: Run, zone: str, *, joined: bool, resumed: bool) -> None:
    told = {
        "run": run.pk,
        "targets": ngettext("%(count)d target", "%(count)d targets", len(run.targets)) % {"count": len(run.targets)},
        "since": output.moment(run.since, zone),
        "until": output.moment(run.until, zone),
    }
    if resumed:
        output.say(_("Run %(run)d was paused and is now resumed. It covers %(targets)s, calls from %(since)s to %(until)s.") % told)
    elif joined:
        output.say(_("Run %(run)d is already running for this: joined. It covers %(targets)s, calls from %(since)s to %(until)s.") % told)
    else:
        output.say(_("Run %(run)d: %(targets)s, calls from %(since)s to %(until)s.") % told)


def _detached(started: Started, *, as_json: bool) -> None:
    workers = queue.live_workers(EnsuredWorker.ALIVE_WITHIN_S)
    if as_json:
        output.write_json({"run": started.run_id, "joined": started.joined, "workers": workers})
        return
    output.say(_("Follow it with `rokuon runs`."))
    if not workers:
        output.say(_("No worker is running. Start one with `rokuon worker`."))


@click.command(
    cls=Command,
    help=_(
        "List the latest runs of Back up now; pause, resume or cancel one. What is backed up stays. What waits of a paused run waits until "
        "it is resumed; what waits of a cancelled one is set aside until the next run."
    ),
)
@click.option("--pause", "pause_id", type=ROW_ID, metavar="ID", help=_("Pause this run; nothing is lost."))
@click.option("--resume", "resume_id", type=ROW_ID, metavar="ID", help=_("Resume this paused run."))
@click.option("--cancel", "cancel_id", type=ROW_ID, metavar="ID", help=_("End this run early."))
@selectors.company_option
@selectors.json_option
def runs_command(pause_id: int | None, resume_id: int | None, cancel_id: int | None, company_name: str | None, as_json: bool) -> None:
    asked = [(act, run_id) for act, run_id in ((_pause, pause_id), (_resume, resume_id), (_cancel, cancel_id)) if run_id is not None]
    if len(asked) > 1:
        raise click.UsageError(_("Pause, resume or cancel: one of them at a time."), click.get_current_context())
    with opened() as session:
        company = selectors.company(company_name)
        for act, run_id in asked:
            act(session, _run_of(company, run_id), as_json=as_json)
            return
        found = [read.run_progress(run.pk) for run in read.latest_runs(company.pk)]
        if as_json:
            output.write_json([_told(progress) for progress in found])
        elif not found:
            output.say(_("There was no run yet. Start one with `rokuon backup-now`."))
        else:
            zone = session.zone_of(company)
            output.table(
                [_("Run"), _("Scope"), _("Started"), _("State"), _("Windows"), *output.counts_headings()],
                [
                    [
                        str(progress.run.pk),
                        selectors.scope_name(progress.run),
                        output.moment(progress.run.created_at, zone),
                        output.state_word(progress.run.state),
                        f"{progress.windows_done}/{progress.windows}",
                        *output.counts_cells(progress.total),
                    ]
                    for progress in found
                ],
                right=[0, *range(4, 12)],
            )


def _run_of(company: Company, run_id: int) -> Run:
    run = Run.objects.filter(pk=run_id, company=company, purpose=Run.Purpose.BACK_UP_NOW).first()
    if run is None:
        raise ConfigError(_("There is no run %(run)d. `rokuon runs` lists them.") % {"run": run_id})
    return run


def _pause(session: CliSession, run: Run, *, as_json: bool) -> None:
    if not runs.pause(run, COMMAND_LINE, session.now()):
        raise ConfigError(_("Run %(run)d is not running; nothing was changed.") % {"run": run.pk})
    if as_json:
        output.write_json({"run": run.pk, "paused": True})
    else:
        output.say(_("Run %(run)d is paused. Nothing is lost: `rokuon runs --resume %(run)d` resumes it.") % {"run": run.pk})


def _resume(session: CliSession, run: Run, *, as_json: bool) -> None:
    if not runs.resume(run, queue, COMMAND_LINE, session.now()):
        raise ConfigError(_("Run %(run)d is not paused; nothing was changed.") % {"run": run.pk})
    workers = queue.live_workers(EnsuredWorker.ALIVE_WITHIN_S)
    if as_json:
        output.write_json({"run": run.pk, "resumed": True, "workers": workers})
        return
    output.say(_("Run %(run)d is resumed.") % {"run": run.pk})
    if not workers:
        output.say(_("No worker is running. Start one with `rokuon worker`."))


def _cancel(session: CliSession, run: Run, *, as_json: bool) -> None:
    if not runs.cancel(run, COMMAND_LINE, session.now()):
        raise ConfigError(_("Run %(run)d had ended already; nothing was changed.") % {"run": run.pk})
    if as_json:
        output.write_json({"run": run.pk, "cancelled": True})
    else:
        output.say(_("Run %(run)d was cancelled. What is verified stays; the next run takes the rest.") % {"run": run.pk})


def _told(progress: read.RunProgress) -> dict[str, Any]:
    run = progress.run
    return {
        "run": run.pk,
        "scope": run.scope_kind,
        "scope_name": selectors.scope_name(run),
        "since": run.since,
        "until": run.until,
        "relist": run.relist,
        "state": run.state,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
        "windows": progress.windows,
        "windows_done": progress.windows_done,
        "unlisted": progress.unlisted,
        "nothing_to_fetch": progress.unnamed,
        **output.counts_json(progress.total),
    }
