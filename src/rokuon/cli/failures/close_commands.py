"""`rokuon close` and `rokuon reopen`: close recordings, calls without a recording, and unreadable entries, and open them again."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import failures as failure_actions
from rokuon.actions import unnamed_calls as unnamed_actions
from rokuon.actions import unread_entries as unread_actions
from rokuon.base.i18n import _, ngettext
from rokuon.cli.support import output, selectors
from rokuon.cli.support.commands import Command
from rokuon.cli.support.row_id import ROW_ID
from rokuon.cli.support.session import opened
from rokuon.domain.failures import ConfigError, EntryUnreadable
from rokuon.ledger import unnamed
from rokuon.ledger.failures import Which
from rokuon.ledger.models import Copy
from rokuon.org.models import Company

from .commands import require_known, require_one, require_there

F = TypeVar("F", bound=Callable[..., None])


def chosen_options(command: F) -> F:
    """Options that select what to close or re-open: recordings by their ids or their cause, calls, entries."""
    for option in (
        click.option("--reason", metavar="CODE", help=_("Those that failed, or are gone, for this cause.")),
        click.option(
            "--entry",
            "entry_ids",
            multiple=True,
            type=ROW_ID,
            metavar="ENTRY",
            help=_("An entry that cannot be read, by its number in `rokuon failures --list`; may be repeated."),
        ),
        click.option(
            "--call",
            "call_ids",
            multiple=True,
            metavar="CALL_ID",
            help=_("A call that was recorded with nothing to fetch; may be repeated."),
        ),
        click.argument("ids", nargs=-1, type=ROW_ID, metavar="[ID]..."),
    ):
        command = option(command)
    return command


@click.command(
    cls=Command,
    help=_(
        "Close failed recordings: nothing is to be done about them, and why. They count as explained, and no run takes them up, until "
        "a person retries or re-opens them. By the ids that `rokuon failures --list` shows, or by cause. With --call, close calls that "
        "were recorded with nothing to fetch; with --entry, entries of Dialpad's call list that cannot be read."
    ),
)
@chosen_options
@click.option("--note", required=True, metavar="TEXT", help=_("Why nothing is to be done; everybody who sees the failures reads it."))
@selectors.scope_options
@selectors.company_option
@selectors.json_option
def close_command(
    ids: tuple[int, ...],
    call_ids: tuple[str, ...],
    entry_ids: tuple[int, ...],
    reason: str | None,
    note: str,
    office_name: str | None,
    target_name: str | None,
    company_name: str | None,
    as_json: bool,
) -> None:
    _require_named(ids, call_ids, entry_ids, reason)
    said = failure_actions.note(note)
    if not said:
        raise ConfigError(_("Write why nothing is to be done: --note TEXT."))
    with opened() as session:
        company = selectors.company(company_name)
        targets = selectors.targets(company, office_name, target_name)
        if call_ids or reason == unnamed.REASON:
            chosen = _calls(company, targets, call_ids) if call_ids else None
            closed = unnamed_actions.close(company, targets, chosen, said, COMMAND_LINE, session.now())
            words = ngettext("%(count)d call was closed.", "%(count)d calls were closed.", closed)
        elif entry_ids or reason == EntryUnreadable.reason:
            _require_entries(company, targets, entry_ids)
            closed = unread_actions.close(company, targets, entry_ids or None, said, COMMAND_LINE, session.now())
            words = ngettext("%(count)d entry was closed.", "%(count)d entries were closed.", closed)
        else:
            require_there(company, targets, ids)
            _require_closable(ids)
            closed = failure_actions.close(company, targets, Which(ids=ids or None, reason=reason), said, COMMAND_LINE, session.now())
            words = ngettext("%(count)d recording was closed.", "%(count)d recordings were closed.", closed)
        if as_json:
            output.write_json({"closed": closed})
            return
        output.say(words % {"count": closed})


@click.command(
    cls=Command,
    help=_(
        "Take back what `rokuon close` said of recordings: something is to be done about them after all. By the ids that `rokuon failures "
        "--list` shows, or by cause. With --call, of calls that were recorded with nothing to fetch, and with --entry, of entries that "
        "cannot be read: their days are listed again."
    ),
)
@chosen_options
@selectors.scope_options
@selectors.company_option
@selectors.json_option
def reopen_command(
    ids: tuple[int, ...],
    call_ids: tuple[str, ...],
    entry_ids: tuple[int, ...],
    reason: str | None,
    office_name: str | None,
    target_name: str | None,
    company_name: str | None,
    as_json: bool,
) -> None:
    _require_named(ids, call_ids, entry_ids, reason)
    with opened() as session:
        company = selectors.company(company_name)
        targets = selectors.targets(company, office_name, target_name)
        if call_ids or reason == unnamed.REASON:
            chosen = _calls(company, targets, call_ids) if call_ids else None
            reopened = unnamed_actions.reopen(company, targets, chosen, COMMAND_LINE, session.now())
            words = ngettext("%(count)d call is open again.", "%(count)d calls are open again.", reopened)
        elif entry_ids or reason == EntryUnreadable.reason:
            _require_entries(company, targets, entry_ids)
            reopened = unread_actions.reopen(company, targets, entry_ids or None, COMMAND_LINE, session.now())
            words = ngettext("%(count)d entry is open again.", "%(count)d entries are open again.", reopened)
        else:
            require_there(company, targets, ids)
            reopened = failure_actions.reopen(company, targets, Which(ids=ids or None, reason=reason), COMMAND_LINE, session.now())
            words = ngettext("%(count)d recording is open again.", "%(count)d recordings are open again.", reopened)
        if not reopened and reason is None:
            raise ConfigError(_("None of these is closed. Nothing was changed."))
        if as_json:
            output.write_json({"reopened": reopened})
            return
        output.say(words % {"count": reopened})
        if ids and reopened < len(set(ids)):
            output.say(_("The others were not closed."))


def _require_named(ids: Sequence[int], call_ids: Sequence[str], entry_ids: Sequence[int], reason: str | None) -> None:
    otherwise = _("Name ids, or use --call CALL_ID, or --entry ENTRY, or --reason CODE.")
    require_one(bool(ids), bool(call_ids), bool(entry_ids), reason is not None, otherwise=otherwise)
    require_known(reason)


def _require_closable(ids: Sequence[int]) -> None:
    """Raises ConfigError if one of these recordings is neither failed nor gone."""
    others = Copy.objects.filter(pk__in=ids).exclude(state__in=[Copy.State.FAILED, Copy.State.GONE]).order_by("pk")
    wrong = [f"{copy.pk} ({output.state_word(copy.state)})" for copy in others]
    if wrong:
        raise ConfigError(
            _("Only what failed or is gone can be closed. These are something else: %(ids)s. Nothing was changed.")
            % {"ids": _(", ").join(wrong)}
        )


def _calls(company: Company, targets: Sequence[int] | None, call_ids: Sequence[str]) -> list[int]:
    """Return the ledger's ids of calls with nothing to fetch, by Dialpad's ids. Raises ConfigError if one is not such a call."""
    found = list(unnamed.calls(company.pk, targets).filter(call_id__in=call_ids))
    unknown = sorted(set(call_ids) - {call.call_id for call in found})
    if unknown:
        raise ConfigError(
            _(
                "No call with the id %(ids)s was recorded with nothing to fetch. `rokuon failures --reason %(reason)s --list` names those "
                "that were. Nothing was changed."
            )
            % {"ids": _(", ").join(unknown), "reason": unnamed.REASON}
        )
    return [call.pk for call in found]


def _require_entries(company: Company, targets: Sequence[int] | None, ids: Sequence[int]) -> None:
    """Raises ConfigError if one of these is not an unreadable entry."""
    known = unread_actions.entries(company, targets).filter(pk__in=ids).values_list("pk", flat=True)
    unknown = sorted(set(ids) - set(known))
    if unknown:
        raise ConfigError(
            _(
                "There is no entry %(ids)s that cannot be read; it may have been read since. `rokuon failures --reason %(reason)s --list` "
                "shows those that are left. Nothing was changed."
            )
            % {"ids": _(", ").join(map(str, unknown)), "reason": EntryUnreadable.reason}
        )
