"""User actions on calls that were recorded although no recording is listed: each runs in one transaction with its audit log entry."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from rokuon.accounts.audit import Actor
from rokuon.actions._shared import record_of_company
from rokuon.ledger import reasons, unnamed
from rokuon.ledger.models import Call
from rokuon.org.models import Company

NAMED = 20
"""Limit of call ids in an audit log entry; further calls are only counted."""


def advice(company: Company) -> str:
    """Return the known cause and what to do. It names the key's scope only if that may be the cause."""
    return reasons.unnamed_in_words(listed=recordings_listed(company))


def recordings_listed(company: Company) -> bool:
    """Whether recordings were listed with the company's present API key."""
    return bool(company.exports) or unnamed.recordings_listed_since(company.pk, company.key_entered_at)


@transaction.atomic
def close(company: Company, targets: Sequence[int] | None, ids: Sequence[int] | None, note: str, actor: Actor, now: datetime) -> int:
    """Close calls as explained, the given ones or all open ones, within the targets (None: the company's); return their number."""
    found = unnamed.calls(company.pk, targets)
    chosen = list(unnamed.still_open(found) if ids is None else found.filter(pk__in=ids))
    closed = unnamed.close([call.pk for call in chosen], note, actor.name, now)
    if closed:
        _record(company, "call.close", actor, now, chosen, {"calls": closed, "note": note})
    return closed


@transaction.atomic
def reopen(company: Company, targets: Sequence[int] | None, ids: Sequence[int] | None, actor: Actor, now: datetime) -> int:
    """Re-open these calls, or all closed ones; return their number."""
    found = unnamed.explained(unnamed.calls(company.pk, targets))
    chosen = list(found if ids is None else found.filter(pk__in=ids))
    opened = unnamed.reopen([call.pk for call in chosen])
    if opened:
        _record(company, "call.reopen", actor, now, chosen, {"calls": opened})
    return opened


def _record(company: Company, action: str, actor: Actor, now: datetime, calls: Sequence[Call], after: dict[str, object]) -> None:
    after["call_ids"] = [call.call_id for call in calls[:NAMED]]
    record_of_company(actor, action, company, now, after)
