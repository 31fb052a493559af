"""A person's explanation of unreadable entries: no action is needed.

It is valid however often the entry is listed again, and is removed together with the entry (`unread`). Until then, or until a person takes
it back, the entry does not prevent a seal.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from django.db import transaction

from rokuon.domain import windows

from . import coverage
from .models import Unreadable
from .sql import fetch, ms


@transaction.atomic
def close(ids: Sequence[int], note: str, by: str, now: datetime) -> int:
    """Mark these entries of one company as explained, and return their number. Their days may seal."""
    closed = Unreadable.objects.filter(pk__in=ids).update(note=note, closed_by=by, closed_at=now)
    _settle(ids)
    return closed


@transaction.atomic
def reopen(ids: Sequence[int]) -> int:
    """Take back the explanations of these entries, and return the number of explained ones. Their days are listed again."""
    opened = Unreadable.objects.filter(pk__in=ids).exclude(closed_at=None).update(note="", closed_by="", closed_at=None)
    _settle(ids)
    return opened


def _settle(ids: Sequence[int]) -> None:
    """Settle the days of these entries; an entry without a known target concerns the days of every target."""
    entries = list(Unreadable.objects.filter(pk__in=ids))
    companies = {entry.company_id for entry in entries if entry.target_id is None}
    targets = [row[0] for row in fetch("SELECT id FROM org_target WHERE company_id = ANY(%s)", [sorted(companies)])]
    touched = {
        (target, day)
        for entry in entries
        for day in _days(entry)
        for target in ([entry.target_id] if entry.target_id is not None else targets)
    }
    coverage.settle(touched)


def _days(entry: Unreadable) -> Iterator[date]:
    first, last = windows.day_of(ms(entry.after)), windows.day_of(ms(entry.before) - 1)
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
