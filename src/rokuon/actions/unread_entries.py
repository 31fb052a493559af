"""User actions on unreadable entries of a list: each runs in one transaction with its audit log entry."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from rokuon.accounts.audit import Actor
from rokuon.actions._shared import record_of_company
from rokuon.ledger import unread, unread_closings
from rokuon.ledger.models import Unreadable
from rokuon.org.models import Company

NAMED = 20
"""Limit of call ids in an audit log entry; further entries are only counted."""


def entries(company: Company, targets: Sequence[int] | None) -> QuerySet[Unreadable]:
    """Return the entries of backed-up targets among these (None: all of the company's, and entries that may belong to any target), closed
    ones too."""
    found = company.targets.filter(backed_up=True)
    if targets is not None:
        found = found.filter(pk__in=targets)
    return unread.find(company.pk, list(found.values_list("pk", flat=True)), of_nobody=targets is None)


@transaction.atomic
def close(company: Company, targets: Sequence[int] | None, ids: Sequence[int] | None, note: str, actor: Actor, now: datetime) -> int:
    """Close entries of `entries` as explained, the given ones or all open ones; return their number."""
    found = entries(company, targets)
    chosen = list(unread.still_open(found) if ids is None else found.filter(pk__in=ids))
    if chosen:
        unread_closings.close([entry.pk for entry in chosen], note, actor.name, now)
        _record(company, "entry.close", actor, now, chosen, {"note": note})
    return _count(chosen)


@transaction.atomic
def reopen(company: Company, targets: Sequence[int] | None, ids: Sequence[int] | None, actor: Actor, now: datetime) -> int:
    """Re-open entries of `entries`, the given ones or all closed ones; return their number."""
    found = unread.explained(entries(company, targets))
    chosen = list(found if ids is None else found.filter(pk__in=ids))
    if chosen:
        unread_closings.reopen([entry.pk for entry in chosen])
        _record(company, "entry.reopen", actor, now, chosen, {})
    return _count(chosen)


def _count(chosen: Sequence[Unreadable]) -> int:
    """Count an entry that several targets share once."""
    return len({entry.mark for entry in chosen})


def _record(company: Company, action: str, actor: Actor, now: datetime, chosen: Sequence[Unreadable], also: dict[str, object]) -> None:
    after = {"entries": _count(chosen), "call_ids": sorted({entry.call_id for entry in chosen if entry.call_id})[:NAMED], **also}
    record_of_company(actor, action, company, now, after)
