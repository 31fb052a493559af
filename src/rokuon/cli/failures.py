"""`rokuon failures`, `rokuon retry` and `rokuon close`: the failure desk (M12)."""

import os
import sys
from pathlib import Path

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.domain.failures import ConfigError, leaves
from rokuon.jobs import queue
from rokuon.ledger import desk
from rokuon.ledger.desk import Which
from rokuon.ledger.models import Copy
from rokuon.ledger.reasons import SET_ASIDE
from rokuon.ops import csv_text
from rokuon.ops.i18n import _, ngettext
from rokuon.org.models import Company
from rokuon.wiring import desk as by_person

from . import choose, failures_shown, output
from .backup import company_zone
from .children import stoppable
from .crew import Crew
from .main import OK
from .session import Session, opened
from .watch import watch

LISTED = 50


@click.command(
    help=_(
        "Show what failed, grouped by cause, with what to do about each; apart from it what waits for another try, is gone at Dialpad, is "
        "closed, or is excluded by a rule. --list shows the recordings."
    )
)
@click.option("--list", "listed", is_flag=True, help=_("List the recordings: id, target, date and id of the call."))
@click.option(
    "--export",
    "export_path",
    metavar="FILE",
    help=_("Write every failed and gone recording to this file, as CSV for a spreadsheet; - writes it to standard output."),
)
@click.option("--reason", metavar="CODE", help=_("Only this cause."))
@click.option("--limit", type=click.IntRange(1, 100_000), default=LISTED, show_default=True, help=_("List at most so many recordings."))
@choose.scope_options
@choose.company_option
@choose.json_option
def failures_command(
    listed: bool,
    export_path: str | None,
    reason: str | None,
    limit: int,
    office_name: str | None,
    target_name: str | None,
    company_name: str | None,
    as_json: bool,
) -> None:
    if export_path is not None and (listed or as_json):
        raise click.UsageError(_("--export stands alone: without --list and --json."), click.get_current_context())
    _require_known(reason)
    with opened() as session:
        company = choose.company(company_name)
        targets = choose.targets(company, office_name, target_name)
        if export_path is not None:
            _export(session, company, targets, reason, export_path)
        elif listed:
            copies = desk.copies(company.pk, targets, reason=reason)[: limit + 1]
            failures_shown.recordings(list(copies), limit, as_json=as_json)
        else:
            shown = failures_shown.look(company, targets, reason)
            failures_shown.groups(shown, company_zone(session, company), as_json=as_json)


def _export(session: Session, company: Company, targets: list[int] | None, reason: str | None, path: str) -> None:
    causes = [one for one in desk.causes(company.pk, targets) if reason in (None, one.reason)]
    headings, rows = by_person.export(company, targets, causes, COMMAND_LINE, session.now())
    lines = csv_text.lines(headings, rows)
    if path == "-":
        # Names are in every script, whatever the terminal's encoding; a spreadsheet wants the line ends as they are.
        for line in lines:
            sys.stdout.buffer.write(line.encode())
        sys.stdout.buffer.flush()
        return
    target, partial = Path(path), Path(f"{path}.partial")
    # Names of agents are in it: for its owner alone, and whole or not there.
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.writelines(lines)
    partial.replace(target)
    output.say(_("Written to %(path)s: %(recordings)s.") % {"path": target, "recordings": output.recordings(sum(x.copies for x in causes))})


def _require_known(reason: str | None) -> None:
    if reason is not None and reason not in {leaf.reason for leaf in leaves()} | SET_ASIDE.keys():
        raise ConfigError(_("There is no cause %(reason)s. `rokuon failures` lists those that occurred.") % {"reason": repr(reason)})


@click.command(help=_("Try failed recordings again: by the ids that `rokuon failures --list` shows, by cause, or all."))
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@click.option("--reason", metavar="CODE", help=_("Those that failed for this cause."))
@click.option("--all", "everything", is_flag=True, help=_("All that failed, without those that are closed."))
@click.option("--gone", is_flag=True, help=_("Also those that Dialpad no longer had."))
@click.option("--watch", "watched", is_flag=True, help=_("Follow what becomes of them until none is left to be tried at once."))
@choose.scope_options
@choose.company_option
@choose.json_option
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
    _require_one(bool(ids), reason is not None, everything, otherwise=_("Name ids, or use --reason CODE, or --all."))
    _require_known(reason)
    with stoppable(), opened() as session:
        company = choose.company(company_name)
        targets = choose.targets(company, office_name, target_name)
        _require_there(company, targets, ids)
        state = None if gone or ids else Copy.State.FAILED
        which = Which(ids=ids or None, state=state, reason=reason, waiting=True)
        begun = by_person.retry(company, targets, which, queue, COMMAND_LINE, session.now())
        due = begun.copies if begun is not None else []
        if watched and begun is not None:
            if not as_json:
                output.say(_("To be tried again: %(recordings)s.") % {"recordings": output.recordings(len(due))})
            return watch(session, company, begun, as_json=as_json)
        workers = queue.live_workers(Crew.ALIVE_WITHIN_S)
        if as_json:
            output.write_json({"retry": begun.pk if begun is not None else None, "due": len(due), "ids": due, "workers": workers})
            return OK
        output.say(_("To be tried again: %(recordings)s.") % {"recordings": output.recordings(len(due))})
        if ids and len(due) < len(set(ids)):
            output.say(_("The others are verified, excluded, or due already."))
        if due and not workers:
            output.say(_("No worker is running. Start one with `rokuon worker`, or run `rokuon backup-now`."))
        return OK


@click.command(
    help=_(
        "Close failed recordings: nothing is to be done about them, and why. They count as explained until one fails anew. By the ids that "
        "`rokuon failures --list` shows, or by cause."
    )
)
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@click.option("--reason", metavar="CODE", help=_("Those that failed, or are gone, for this cause."))
@click.option("--note", required=True, metavar="TEXT", help=_("Why nothing is to be done; everybody who sees the failures reads it."))
@choose.scope_options
@choose.company_option
@choose.json_option
def close_command(
    ids: tuple[int, ...],
    reason: str | None,
    note: str,
    office_name: str | None,
    target_name: str | None,
    company_name: str | None,
    as_json: bool,
) -> None:
    _require_one(bool(ids), reason is not None, otherwise=_("Name ids, or use --reason CODE."))
    _require_known(reason)
    said = by_person.note(note)
    if not said:
        raise ConfigError(_("Write why nothing is to be done: --note TEXT."))
    with opened() as session:
        company = choose.company(company_name)
        targets = choose.targets(company, office_name, target_name)
        _require_there(company, targets, ids)
        closed = by_person.close(company, targets, Which(ids=ids or None, reason=reason), said, COMMAND_LINE, session.now())
        if as_json:
            output.write_json({"closed": closed})
            return
        output.say(ngettext("%(count)d recording was closed.", "%(count)d recordings were closed.", closed) % {"count": closed})
        if ids and closed < len(set(ids)):
            output.say(_("The others have not failed."))


def _require_one(*given: bool, otherwise: str) -> None:
    if sum(given) != 1:
        raise click.UsageError(otherwise, click.get_current_context())


def _require_there(company: Company, targets: list[int] | None, ids: tuple[int, ...]) -> None:
    known = Copy.objects.filter(company=company, pk__in=ids)
    if targets is not None:
        known = known.filter(target_id__in=targets)
    unknown = sorted(set(ids) - set(known.values_list("pk", flat=True)))
    if unknown:
        raise ConfigError(
            _("There is no recording with the id %(ids)s. `rokuon failures --list` shows the ids. Nothing was changed.")
            % {"ids": ", ".join(map(str, unknown))}
        )
