"""Hints in and out. An event is acknowledged only when its row is committed, and after it its job (row Q4)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F

from .models import Hint, Hook

STALE_AFTER = timedelta(days=1)
"""An event that is told so long after it happened is a replay: it carries no expiry, so it is kept and not followed (row Q2)."""

KEPT = timedelta(days=35)
LOOK_AGAIN_S = (3.0, 15.0, 60.0)
"""A call may be listed a moment after its event; what a minute does not bring is left to the sweeps."""

STRAY = 20
"""What comes unsigned to a hook's own address within a minute without anybody being told (row W4)."""

MOST = 1000
NEWEST_FIRST = F("started_at").desc(nulls_last=True)
SEEN_EVERY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Due:
    """A call to look for, as one or more events named it; `started_at` is None where they did not tell when it started."""

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
    """Keep a hint, then ask for a look; False where this very event was here before. May be called any number of times.

    Not in one transaction: a look that waits in the queue when it is asked for could begin, and miss the hint, before both were there.
    An event that comes again asks again, since the first time may have ended between the two. Call it outside of a transaction.
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
    """Note that events come: once in a while, since every event would make one row the narrow place of a burst."""
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
    """Count what the hook's secret has not signed; True where it has just become a flood. Beyond that nothing is written for the
    rest of the minute, however much comes."""
    with connection.cursor() as cursor:
        cursor.execute(_REFUSED, {"hook": hook.pk, "now": now, "since": now - timedelta(minutes=1), "stray": STRAY})
        row = cursor.fetchone()
    return row is not None and row[0] > STRAY


def due(company_id: int, now: datetime, most: int = MOST) -> list[Due]:
    """The hints to look for now, those of the newest calls first, and then those of the other legs of their conversations.

    Dialpad tells of a recording long after the call ended, and on one leg. Only beside the other legs can that one be told apart, and
    when they started was told by their own events.
    """
    rows = list(Hint.objects.filter(company_id=company_id, due_at__lte=now).order_by(NEWEST_FIRST)[:most])
    named = {leg for row in rows for leg in row.other_legs}
    beside = Hint.objects.filter(company_id=company_id, call_id__in=named, received_at__gt=now - STALE_AFTER)
    rows += beside.exclude(pk__in=[row.pk for row in rows]).order_by(NEWEST_FIRST)[:most]
    return [Due(row.pk, row.call_id, row.started_at, row.received_at) for row in rows]


@transaction.atomic
def settle(dues: Sequence[Due], found: set[str], now: datetime) -> datetime | None:
    """Hints whose calls were found are over; those that were due are looked for again a few times. When the next is due; None if none
    is."""
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
    """Hints are of no use once the last sweep has passed their calls."""
    return Hint.objects.filter(received_at__lt=now - KEPT).delete()[0]
