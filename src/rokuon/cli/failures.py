"""`rokuon failures` and `rokuon retry`."""

from dataclasses import asdict
from typing import Any

import click
from django.db import transaction

from rokuon.domain.failures import ConfigError, by_reason, leaves
from rokuon.jobs import queue
from rokuon.ledger import read
from rokuon.ledger.models import Copy
from rokuon.ledger.retry import retry
from rokuon.ops.i18n import _
from rokuon.org.models import Company
from rokuon.org.tree import zone_of

from . import choose, output
from .backup import company_zone
from .crew import Crew
from .session import opened

LISTED = 50


@click.command(help=_("Show what failed, grouped by cause, with what to do about each. --list shows the recordings."))
@click.option("--list", "listed", is_flag=True, help=_("List the recordings: id, target, date and id of the call."))
@click.option("--reason", metavar="CODE", help=_("Only this cause."))
@click.option("--limit", type=click.IntRange(1, 100_000), default=LISTED, show_default=True, help=_("List at most so many recordings."))
@choose.company_option
@choose.json_option
def failures_command(listed: bool, reason: str | None, limit: int, company_name: str | None, as_json: bool) -> None:
    _require_known(reason)
    with opened() as session:
        company = choose.company(company_name)
        if listed:
            _list(company, reason or "", limit, as_json=as_json)
        else:
            _groups(company, reason, company_zone(session, company), as_json=as_json)


def _groups(company: Company, reason: str | None, zone: str, *, as_json: bool) -> None:
    groups = [group for group in read.failures_by_reason(company.pk) if reason in (None, group.reason)]
    if as_json:
        output.write_json([{**asdict(group), "advice": _advice(group.reason)} for group in groups])
        return
    if not groups:
        output.say(_("Nothing failed."))
        return
    for group in groups:
        output.say(
            _("%(state)s: %(recordings)s of %(targets)d targets  [%(reason)s]  %(first)s to %(last)s")
            % {
                "state": state_name(group.state),
                "recordings": output.recordings(group.copies),
                "targets": group.targets,
                "reason": group.reason,
                "first": output.moment(group.first_at, zone),
                "last": output.moment(group.last_at, zone),
            }
        )
        output.say(f"  {_advice(group.reason)}")
        output.say(f"  rokuon retry --reason {group.reason}{' --gone' if group.state == Copy.State.GONE else ''}\n")


def _list(company: Company, reason: str, limit: int, *, as_json: bool) -> None:
    copies = read.failed_copies(company.pk, reason=reason, limit=limit)
    if as_json:
        output.write_json([_told(copy) for copy in copies])
        return
    if not copies:
        output.say(_("Nothing failed."))
        return
    output.table(
        ["ID", _("State"), _("Target"), _("Call"), _("Call id"), _("Cause")],
        [
            [
                str(copy.pk),
                state_name(copy.state),
                copy.target.name,
                output.moment(copy.call_started_at, zone_of(copy.target)),
                copy.recording.call_id,
                f"{copy.reason} {copy.detail}".strip(),
            ]
            for copy in copies
        ],
        right=[0],
    )
    if len(copies) == limit:
        output.say(_("There may be more: raise --limit."))


def _told(copy: Copy) -> dict[str, Any]:
    return {
        "id": copy.pk,
        "state": copy.state,
        "reason": copy.reason,
        "detail": copy.detail,
        "target": copy.target.name,
        "target_id": copy.target.dialpad_id,
        "call_started_at": copy.call_started_at,
        "call_id": copy.recording.call_id,
        "recording_id": copy.recording.recording_id,
        "kind": copy.recording.kind,
        "tries": copy.tries,
        "changed_at": copy.changed_at,
    }


def state_name(state: str) -> str:
    return {"failed": _("Failed"), "gone": _("Gone"), "pending": _("Waiting for another try")}[state]


def _advice(reason: str) -> str:
    return _(by_reason(reason).advice)


def _require_known(reason: str | None) -> None:
    if reason is not None and reason not in (leaf.reason for leaf in leaves()):
        raise ConfigError(_("There is no cause %(reason)s. `rokuon failures` lists those that occurred.") % {"reason": repr(reason)})


@click.command(help=_("Try failed recordings again: by the ids that `rokuon failures --list` shows, by cause, or all."))
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@click.option("--reason", metavar="CODE", help=_("Those that failed for this cause."))
@click.option("--all", "everything", is_flag=True, help=_("All that failed."))
@click.option("--gone", is_flag=True, help=_("Also those that Dialpad no longer had."))
@choose.company_option
@choose.json_option
def retry_command(ids: tuple[int, ...], reason: str | None, everything: bool, gone: bool, company_name: str | None, as_json: bool) -> None:
    if sum((bool(ids), reason is not None, everything)) != 1:
        raise click.UsageError(_("Name ids, or use --reason CODE, or --all."), click.get_current_context())
    _require_known(reason)
    with opened() as session:
        company = choose.company(company_name)
        unknown = sorted(set(ids) - set(Copy.objects.filter(company=company, pk__in=ids).values_list("pk", flat=True)))
        if unknown:
            raise ConfigError(
                _("There is no recording with the id %(ids)s. `rokuon failures --list` shows the ids. Nothing was changed.")
                % {"ids": ", ".join(map(str, unknown))}
            )
        with transaction.atomic():
            due = retry(company.pk, session.now(), ids=ids or None, reason=reason, gone=gone or bool(ids))
            if due:
                queue.enqueue_due(company.pk)
        workers = queue.live_workers(Crew.ALIVE_WITHIN_S)
        if as_json:
            output.write_json({"due": len(due), "ids": due, "workers": workers})
            return
        output.say(_("To be tried again: %(recordings)s.") % {"recordings": output.recordings(len(due))})
        if ids and len(due) < len(set(ids)):
            output.say(_("The others are verified, excluded, or due already."))
        if due and not workers:
            output.say(_("No worker is running. Start one with `rokuon worker`, or run `rokuon backup-now`."))
