"""Display of calls that were recorded and have no listed recording, in `rokuon failures`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rokuon.actions import unnamed_calls as unnamed_actions
from rokuon.base.i18n import _
from rokuon.cli.support import output
from rokuon.ledger import unnamed
from rokuon.ledger.models import Call
from rokuon.org.models import Company


@dataclass(frozen=True, slots=True)
class UnnamedList:
    """`calls` are unexplained calls, `closed` is the number of explained ones. `advice` gives the known cause and what to do."""

    calls: int
    closed: int
    advice: str


def load_unnamed(company: Company, targets: Sequence[int] | None, reason: str | None) -> UnnamedList:
    """Load the calls; nothing if another reason is given."""
    if reason not in (None, unnamed.REASON):
        return UnnamedList(0, 0, "")
    found = unnamed.calls(company.pk, targets)
    return UnnamedList(unnamed.still_open(found).count(), unnamed.explained(found).count(), unnamed_actions.advice(company))


def say(found: UnnamedList) -> None:
    if found.calls:
        output.say("\n" + _("Recorded, but nothing to fetch: %(calls)s  [%(reason)s]") % _told(found.calls))
        output.say(f"  {found.advice}")
        output.say(f"  rokuon failures --reason {unnamed.REASON} --list")
    if found.closed:
        output.say("\n" + _("Recorded, but nothing to fetch; explained by a person: %(calls)s") % _told(found.closed))


def _told(calls: int) -> dict[str, str]:
    return {"calls": output.calls(calls), "reason": unnamed.REASON}


def data(found: UnnamedList) -> dict[str, Any]:
    return {"reason": unnamed.REASON, "advice": found.advice, "calls": found.calls, "closed": found.closed}


def table(calls: Sequence[Call], zone: str) -> None:
    if not calls:
        return
    output.say(_("Recorded, but nothing to fetch"))
    output.table(
        [_("Call id"), _("Call"), _("Office"), _("Target"), _("Cause"), _("Closed")],
        [
            [
                call.call_id,
                output.moment(call.started_at, zone),
                call.target.office.name,
                call.target.name,
                unnamed.REASON,
                closing.note if (closing := unnamed.closing(call)) is not None else "",
            ]
            for call in calls
        ],
    )
    output.say(_("To close one: rokuon close --call CALL_ID --note TEXT"))


def as_data(call: Call) -> dict[str, Any]:
    """Return the call in the form that `listing` uses for copies; `id` is a recording's id, and there is none."""
    closing = unnamed.closing(call)
    return {
        "id": None,
        "state": unnamed.STATE,
        "reason": unnamed.REASON,
        "office": call.target.office.name,
        "target": call.target.name,
        "target_id": call.target.dialpad_id,
        "call_started_at": call.started_at,
        "call_id": call.call_id,
        "recording_id": None,
        "next_try": None,
        "held_by": None,
        "closed": None if closing is None else {"note": closing.note, "by": closing.by, "at": closing.at},
    }
