"""Inbox of hints (received webhook events). An event is acknowledged only after its row and then its job are committed (row Q4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F

from .models import Hint, Hook

STALE_AFTER = timedelta(days=1)
"""An event that arrives this long after it happened is a replay: events have no expiry, so it is kept but not processed (row Q2)."""

KEPT = timedelta(days=35)
LOOK_AGAIN_S = (3.0, 15.0, 60.0)
"""A call may be listed shortly after its event; calls that are not found within a minute are left to the sweeps."""

STRAY = 20
"""Up to this many unsigned requests to a hook's own address within a minute cause no notice (row W4)."""

MOST = 1000
NEWEST_FIRST = F("started_at").desc(nulls_last=True)
SEEN_EVERY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Due:
    """A call to look for, named by one or more events; `started_at` is None if they do not contain its start."""

    id: int
    call_id: str
    started_at: datetime | None
    received_at: datetime


_INSERT = """
    INSERT INTO events_hint (company_id, digest, call_id, other_legs, state, started_at, received_at, due_at, tries, result)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 0, %s) ON CONFLICT (company_id, digest) DO NOTHING
"""


def receive(
    company_id: int,
    *,
    digest: str,
    call_id: str,
    other_legs: Sequence[str],
    state: str,
    started_at: datetime | None,
    happened_at: datetime | None,
    now: datetime,
    enqueue: Callable[[int], None],
) -> bool:
    """Store a hint, then queue a lookup. Return False if the same event was stored before. May be called any number of times.

    This is not one transaction: a lookup that already waits in the queue could start, and miss the hint, before both were committed.
    A repeated event queues a lookup again, since the first request may have ended between the two steps. Call this outside a transaction.
    """
    stale = happened_at is not None and now - happened_at > STALE_AFTER
    with connection.cursor() as cursor:
        due_at, result = (None, Hint.Result.STALE) if stale else (now, Hint.Result.WAITING)
        cursor.execute(_INSERT, [company_id, digest, call_id, list(other_legs), state, started_at, now, due_at, result])
        fresh = bool(cursor.rowcount)
    if not stale:
        enqueue(company_id)
    return fresh


def saw_event(hook: Hook, now: datetime) -> None:
    """Note that events arrive, at most every `SEEN_EVERY`: a write for every event would make this row the bottleneck of a burst."""
    if hook.event_at is None or now - hook.event_at > SEEN_EVERY:
        Hook.objects.filter(pk=hook.pk).exclude(event_at__gt=now - SEEN_EVERY).update(event_at=now)
        hook.event_at = now


_REFUSED = """
    UPDATE events_hook
    SET refused = CASE WHEN refused_since > %(since)s THEN refused + 1 ELSE 1 END,
        refused_since = CASE WHEN refused_since > %(since)s THEN refused_since ELSE %(now)s END,
        flood_at = CASE WHEN refused_since > %(since)s AND refused = %(stray)s THEN %(now)s ELSE flood_at END
    WHERE id = %(hook)s AND (refused_since > %(since)s AND refused > %(stray)s) IS NOT TRUE
    RETURNING refused
"""


def saw_forgery(hook: Hook, now: datetime) -> bool:
    """Count a request that the hook's secret has not signed. Return True when this just became a flood. After that nothing is written for
    the rest of the minute, however many requests arrive."""
    with connection.cursor() as cursor:
        cursor.execute(_REFUSED, {"hook": hook.pk, "now": now, "since": now - timedelta(minutes=1), "stray": STRAY})
        row = cursor.fetchone()
    return row is not None and row[0] > STRAY


def due(company_id: int, now: datetime, most: int = MOST) -> list[Due]:
    """Return the hints to look up now, those of the newest calls first, and then the hints of the other legs of their conversations.

    Dialpad sends the event of a recording long after the call ended, and for one leg. That leg can only be assigned together with the other
    legs, and their own events contain their start times.
    """
    rows = list(Hint.objects.filter(company_id=company_id, due_at__lte=now).order_by(NEWEST_FIRST)[:most])
    named = {leg for row in rows for leg in row.other_legs}
    beside = Hint.objects.filter(company_id=company_id, call_id__in=named, received_at__gt=now - STALE_AFTER)
    rows += beside.exclude(pk__in=[row.pk for row in rows]).order_by(NEWEST_FIRST)[:most]
    return [Due(row.pk, row.call_id, row.started_at, row.received_at) for row in rows]


@transaction.atomic
def settle(dues: Sequence[Due], found: set[str], now: datetime) -> datetime | None:
    """Settle hints after a lookup: those whose calls were found are done, other due ones are looked up again a few times. Return when the
    next is due; None if none is."""
    ids = [due.id for due in dues]
    here = [due.id for due in dues if due.call_id in found]
    Hint.objects.filter(pk__in=here, due_at__isnull=False).update(due_at=None, result=Hint.Result.FOUND)
    next_at: datetime | None = None
    for tries, wait in enumerate(LOOK_AGAIN_S):
        again = now + timedelta(seconds=wait)
        if Hint.objects.filter(pk__in=ids, due_at__lte=now, tries=tries).update(due_at=again, tries=tries + 1):
            next_at = again if next_at is None else min(next_at, again)
    Hint.objects.filter(pk__in=ids, due_at__lte=now).update(due_at=None, result=Hint.Result.LEFT)
    return next_at


def companies_with_due(now: datetime) -> list[int]:
    return list(Hint.objects.filter(due_at__lte=now).order_by().values_list("company_id", flat=True).distinct())


def forget_old(now: datetime) -> int:
    """Delete old hints; they are useless once the last sweep has covered their calls."""
    return Hint.objects.filter(received_at__lt=now - KEPT).delete()[0]
