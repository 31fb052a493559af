"""Calls that were recorded although no recording is listed for them, and a person's explanation of them.

A call is removed from here automatically when a recording is listed for it. Until then, or until a person explains it, its day does not
seal (`coverage`), so that each Back up now lists the day again.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from rokuon.domain import windows
from rokuon.domain.failures import RecordingDetailsMissing

from . import coverage
from .models import Call, CallClosing, Copy
from .sql import fetch, ms

STATE = "nothing_to_fetch"
"""The state of such a call, in addition to the states of copies."""

REASON = RecordingDetailsMissing.reason


def calls(company_id: int, targets: Sequence[int] | None) -> QuerySet[Call]:
    """Return the calls, including closed ones (`closing`), newest first, with their targets. `targets` None: of the whole company. The
    caller slices the result."""
    found = Call.objects.filter(target__company_id=company_id, was_recorded=True, recordings=0)
    if targets is not None:
        found = found.filter(target_id__in=targets)
    return found.select_related("target__office", "closing").order_by("-started_at", "-pk")


def still_open(found: QuerySet[Call]) -> QuerySet[Call]:
    """Return those of `calls` that no person has explained."""
    return found.filter(closing=None)


def explained(found: QuerySet[Call]) -> QuerySet[Call]:
    """Return those of `calls` that a person has explained."""
    return found.exclude(closing=None)


def older(found: QuerySet[Call], started_at: datetime, call: int) -> QuerySet[Call]:
    """Return those of `calls` after this one, for the next page."""
    return found.filter(Q(started_at__lt=started_at) | Q(started_at=started_at, pk__lt=call))


def closing(call: Call) -> CallClosing | None:
    """Return the closing that explains this call of `calls`."""
    found: CallClosing | None = getattr(call, "closing", None)
    return found


@transaction.atomic
def close(ids: Sequence[int], note: str, by: str, now: datetime) -> int:
    """Mark those of these calls for which no recording is listed as explained, and return their number. Their days may seal."""
    rows = fetch(
        """INSERT INTO ledger_callclosing (call_id, note, by, at)
           SELECT id, %s, %s, %s FROM ledger_call WHERE id = ANY(%s) AND was_recorded AND recordings = 0 ORDER BY id FOR SHARE
               ON CONFLICT (call_id) DO UPDATE SET note = EXCLUDED.note, by = EXCLUDED.by, at = EXCLUDED.at
        RETURNING call_id""",
        [note, by, now, list(ids)],
    )
    _settle([row[0] for row in rows])
    return len(rows)


@transaction.atomic
def reopen(ids: Sequence[int]) -> int:
    """Take back the explanations of these calls, and return their number. Their days are listed again."""
    rows = fetch("DELETE FROM ledger_callclosing WHERE call_id = ANY(%s) RETURNING call_id", [list(ids)])
    _settle([row[0] for row in rows])
    return len(rows)


def _settle(ids: Sequence[int]) -> None:
    coverage.settle(
        [(call.target_id, windows.day_of(ms(call.started_at))) for call in Call.objects.filter(pk__in=ids).only("target_id", "started_at")]
    )


def recordings_listed_since(company_id: int, since: datetime | None) -> bool:
    """Whether a recording of the company was first listed at or after that time (None: ever)."""
    newest = Copy.objects.filter(company_id=company_id).order_by("-pk").values_list("created_at", flat=True).first()
    return newest is not None and (since is None or newest >= since)
