"""`rokuon failures --list`: list each recording that is not backed up, and each call without a recording."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rokuon.actions.failures_export import Asked, held_by
from rokuon.base.i18n import _
from rokuon.cli.support import output
from rokuon.ledger import aside, failures, unnamed
from rokuon.ledger.models import Aside, Copy
from rokuon.ledger.next_try import QUEUED, Next, Stops
from rokuon.org.models import Company

from . import not_known, unnamed_display
from .not_known import NotKnown


def show(company: Company, asked: Asked, limit: int, now: datetime, unknown: NotKnown, zone: str, *, as_json: bool) -> None:
    """Show at most `limit` entries, recordings first; say if there are more."""
    copies = list(failures.copies(company.pk, asked.targets, asked.state, asked.reason)[: limit + 1]) if asked.of_copies else []
    room = max(0, limit - len(copies)) + 1
    calls = list(unnamed.calls(company.pk, asked.targets)[:room]) if asked.of_calls else []
    more = len(copies) + len(calls) > limit
    copies, calls = copies[:limit], calls[: room - 1]
    stops = Stops(company.pk)
    waits = {copy.pk: stops.next_try(copy) for copy in copies}
    kept = aside.of(waits)
    if as_json:
        output.write_json(
            [
                *(_as_data(copy, waits[copy.pk], kept.get(copy.pk)) for copy in copies),
                *(unnamed_display.as_data(call) for call in calls),
                *not_known.listed(unknown),
            ]
        )
        return
    if copies:
        _table(copies, waits, kept, now, zone)
    unnamed_display.table(calls, zone)
    not_known.table(unknown, zone, limit)
    if more:
        output.say(_("There are more: raise --limit."))
    elif not (copies or calls or unknown or unknown.closed):
        output.say(_("Nothing failed."))


def _table(copies: Sequence[Copy], waits: dict[int, Next | None], kept: dict[int, Aside], now: datetime, zone: str) -> None:
    output.table(
        ["ID", _("State"), _("Office"), _("Target"), _("Call"), _("Call id"), _("Cause"), _("Kept aside"), _("Next try"), _("Closed")],
        [
            [
                str(copy.pk),
                output.state_word(copy.state),
                copy.target.office.name,
                copy.target.name,
                output.moment(copy.call_started_at, zone),
                copy.recording.call_id,
                f"{copy.reason} {copy.detail}".strip(),
                kept[copy.pk].looks if copy.pk in kept else "",
                _next(waits[copy.pk], now, zone),
                closing.note if (closing := failures.closing(copy)) is not None else "",
            ]
            for copy in copies
        ],
        right=[0],
    )


def _next(following: Next | None, now: datetime, zone: str) -> str:
    if following is None:
        return ""
    if following.hold is not None:
        return _("on hold: %(reason)s, asked again at %(at)s") % {
            "reason": following.hold.reason,
            "at": output.moment(following.hold.probe_at, zone),
        }
    if following.at is None:
        return held_by(following)
    return output.moment(following.at, zone) if following.at > now else _("at once, by the next free worker")


def _as_data(copy: Copy, following: Next | None, kept: Aside | None) -> dict[str, Any]:
    closing = failures.closing(copy)
    closed: dict[str, str | datetime] | None = None
    if closing is not None:
        closed = {"note": closing.note, "by": closing.by, "at": closing.at}
    return {
        "id": copy.pk,
        "state": copy.state,
        "reason": copy.reason or (QUEUED if copy.state == Copy.State.PENDING else ""),
        "detail": copy.detail,
        "office": copy.target.office.name,
        "target": copy.target.name,
        "target_id": copy.target.dialpad_id,
        "call_started_at": copy.call_started_at,
        "call_id": copy.recording.call_id,
        "recording_id": copy.recording.recording_id,
        "kind": copy.recording.kind,
        "tries": copy.tries,
        "changed_at": copy.changed_at,
        "next_try": following.at if following is not None else None,
        "held_by": held_by(following) or None,
        "kept_aside": {"looks": kept.looks, "size": kept.size, "key": kept.key, "sha256": kept.sha256} if kept is not None else None,
        "closed": closed,
    }
