"""`rokuon failures` and `rokuon retry`: show what is not backed up, and try it again (M12)."""

from collections.abc import Sequence
from itertools import chain

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import failures as failure_actions
from rokuon.actions import failures_export, not_known_rows
from rokuon.actions.failures_export import Asked
from rokuon.base import csv_text
from rokuon.base.i18n import _, ngettext
from rokuon.cli.main import OK
from rokuon.cli.support import csv_file, output, selectors
from rokuon.cli.support.commands import Command
from rokuon.cli.support.ensure_worker import EnsuredWorker
from rokuon.cli.support.number_types import Whole
from rokuon.cli.support.row_id import ROW_ID
from rokuon.cli.support.session import CliSession, opened
from rokuon.cli.support.subprocesses import stoppable
from rokuon.completeness.headline import Headline, facts_of, headline
from rokuon.domain.failures import ConfigError, leaves
from rokuon.jobs import queue
from rokuon.ledger import unnamed
from rokuon.ledger.failures import NOT_BACKED_UP, Which
from rokuon.ledger.models import Copy
from rokuon.ledger.next_try import QUEUED
from rokuon.ledger.reasons import SET_ASIDE
from rokuon.org.models import Company

from . import display, listing
from . import not_known as failures_not_known
from .watch import watch

LISTED = 50
STATES = (Copy.State.FAILED.value, Copy.State.GONE.value, Copy.State.PENDING.value, unnamed.STATE)


@click.command(
    cls=Command,
    help=_(
        "Show what failed, grouped by cause, with what to do about each, and which days and entries are not known; apart from it calls "
        "that were recorded with nothing to fetch, what waits and when it is tried next, is gone at Dialpad, is closed, or is excluded "
        "by a rule. --list shows each one."
    ),
)
@click.option("--list", "listed", is_flag=True, help=_("List each one: id, target, date and id of the call, cause, next try."))
@click.option(
    "--export",
    "export_path",
    metavar="FILE",
    help=_("Write everything that is not backed up to this file, as CSV for a spreadsheet; - writes it to standard output."),
)
@click.option("--reason", metavar="CODE", help=_("Only this cause."))
@click.option(
    "--state",
    type=click.Choice(STATES),
    help=_("With --list or --export: only what failed, is gone, waits (pending), or was recorded with nothing to fetch."),
)
@click.option("--limit", type=Whole(1, 100_000), default=LISTED, show_default=True, help=_("List at most this many."))
@selectors.scope_options
@selectors.company_option
@selectors.json_option
def failures_command(
    listed: bool,
    export_path: str | None,
    reason: str | None,
    state: str | None,
    limit: int,
    office_name: str | None,
    target_name: str | None,
    company_name: str | None,
    as_json: bool,
) -> None:
    if export_path is not None and (listed or as_json):
        raise click.UsageError(_("--export stands alone: without --list and --json."), click.get_current_context())
    if state is not None and not listed and export_path is None:
        raise click.UsageError(_("--state goes with --list or --export."), click.get_current_context())
    require_known(reason)
    with opened() as session:
        company = selectors.company(company_name)
        targets = selectors.targets(company, office_name, target_name)
        asked = Asked(targets, state, reason)
        if export_path is not None:
            _export(session, company, asked, export_path)
            return
        unknown = failures_not_known.load_unknown(company, targets, reason, session.now()) if state is None else failures_not_known.NOTHING
        if listed:
            listing.show(company, asked, limit, session.now(), unknown, session.zone_of(company), as_json=as_json)
        else:
            shown = display.load_failures(company, targets, reason)
            display.groups(shown, unknown, session.zone_of(company), _answer(session, company, targets, reason), as_json=as_json)


def _answer(session: CliSession, company: Company, targets: Sequence[int] | None, reason: str | None) -> Headline | None:
    """Return the headline about these targets; None if only one cause was asked for."""
    if reason is not None:
        return None
    found = company.targets.select_related("office")
    return headline(facts_of(company, list(found if targets is None else found.filter(pk__in=targets)), session.now()))


def _export(session: CliSession, company: Company, asked: Asked, path: str) -> None:
    count = failures_export.size(company, asked)
    headings, rows = failures_export.export(company, asked, COMMAND_LINE, session.now())
    unknown = not_known_rows.rows(company, asked.targets, asked.reason, session.now()) if asked.state is None else ()
    lines = csv_text.lines(headings, chain(rows, unknown))
    csv_file.write(path, lines)
    if path == csv_file.STANDARD_OUTPUT:
        return
    output.say(
        ngettext("Written to %(path)s: %(count)s row.", "Written to %(path)s: %(count)s rows.", count)
        % {"path": path, "count": output.number(count)}
    )


def require_known(reason: str | None) -> None:
    """Raises ConfigError if it is not a known reason code."""
    if reason is not None and reason not in {leaf.reason for leaf in leaves()} | SET_ASIDE.keys() | {QUEUED}:
        raise ConfigError(_("There is no cause %(reason)s. `rokuon failures` lists those that occurred.") % {"reason": repr(reason)})


@click.command(
    cls=Command, help=_("Try recordings that failed or wait again now: by the ids that `rokuon failures --list` shows, by cause, or all.")
)
@click.argument("ids", nargs=-1, type=ROW_ID, metavar="[ID]...")
@click.option("--reason", metavar="CODE", help=_("Those that failed for this cause."))
@click.option("--all", "everything", is_flag=True, help=_("All that failed, without those that are closed."))
@click.option("--gone", is_flag=True, help=_("Also those that Dialpad no longer had."))
@click.option("--watch", "watched", is_flag=True, help=_("Follow what becomes of them until none is left to be tried at once."))
@selectors.scope_options
@selectors.company_option
@selectors.json_option
def retry_command(
    ids: tuple[int, ...],
    reason: str | None,
    everything: bool,
    gone: bool,
    watched: bool,
    office_name: str | None,
    target_name: str | None,
    company_name: str | None,
    as_json: bool,
) -> int:
    require_one(bool(ids), reason is not None, everything, otherwise=_("Name ids, or use --reason CODE, or --all."))
    require_known(reason)
    with stoppable(), opened() as session:
        company = selectors.company(company_name)
        targets = selectors.targets(company, office_name, target_name)
        require_there(company, targets, ids)
        _require_retriable(ids)
        state = None if gone or ids else Copy.State.FAILED
        which = Which(ids=ids or None, state=state, reason=reason, waiting=True)
        begun = failure_actions.retry(company, targets, which, queue, COMMAND_LINE, session.now())
        due = begun.copies if begun is not None else []
        if watched and begun is not None:
            if not as_json:
                output.say(_("To be tried again: %(recordings)s.") % {"recordings": output.recordings(len(due))})
            return watch(session, company, begun, as_json=as_json)
        workers = queue.live_workers(EnsuredWorker.ALIVE_WITHIN_S)
        if as_json:
            output.write_json({"retry": begun.pk if begun is not None else None, "due": len(due), "ids": due, "workers": workers})
            return OK
        output.say(_("To be tried again: %(recordings)s.") % {"recordings": output.recordings(len(due))})
        if ids and len(due) < len(set(ids)):
            output.say(_("The others are due already."))
        if due and not workers:
            output.say(_("No worker is running. Start one with `rokuon worker`, or run `rokuon backup-now`."))
        return OK


def _require_retriable(ids: tuple[int, ...]) -> None:
    """Raises ConfigError if one of these recordings is neither failed, nor gone, nor pending."""
    others = Copy.objects.filter(pk__in=ids).exclude(state__in=NOT_BACKED_UP).order_by("pk")
    wrong = [f"{copy.pk} ({output.state_word(copy.state)})" for copy in others]
    if wrong:
        raise ConfigError(_("There is nothing to retry: %(ids)s. Nothing was changed.") % {"ids": _(", ").join(wrong)})


def require_one(*given: bool, otherwise: str) -> None:
    """Raises UsageError unless exactly one was given."""
    if sum(given) != 1:
        raise click.UsageError(otherwise, click.get_current_context())


def require_there(company: Company, targets: list[int] | None, ids: tuple[int, ...]) -> None:
    """Raises ConfigError if one of these is not a recording of the targets."""
    known = Copy.objects.filter(company=company, pk__in=ids)
    if targets is not None:
        known = known.filter(target_id__in=targets)
    unknown = sorted(set(ids) - set(known.values_list("pk", flat=True)))
    if unknown:
        raise ConfigError(
            _("There is no recording with the id %(ids)s. `rokuon failures --list` shows the ids. Nothing was changed.")
            % {"ids": _(", ").join(map(str, unknown))}
        )
