"""Compare a bucket's contents with the ledger.

A whole bucket is compared in the database: `begin`, `see` each page of the store's list, then `take_back`. All on one connection.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime

from rokuon.domain.copies import Cause, State
from rokuon.domain.failures import ObjectDiffers, ObjectMissing
from rokuon.domain.ports import StoredObject

from . import transitions
from .models import Copy
from .sql import columns, execute

NEWEST, OLDEST, DRAWN = 4, 3, 3
SAMPLE = NEWEST + OLDEST + DRAWN
"""This many objects are enough to detect a replaced or emptied bucket; each costs one request. The newest alone would not do: a bucket to
which the last weeks were copied has them."""

_SAME_NAME = "SELECT 1 FROM ledger_seen s WHERE s.key = c.key"
_SAME = f"{_SAME_NAME} AND s.size = c.size AND (s.crc32c IS NULL OR s.crc32c = c.crc32c)"


def some_verified(bucket_id: int, draw: Callable[[int], int] = secrets.randbelow) -> list[StoredObject]:
    """Return keys, sizes and checksums of SAMPLE copies verified in the bucket: the newest, the oldest, and some between them that are
    drawn; all of them where there are no more. `draw` returns a random number below its argument."""
    copies = Copy.objects.filter(bucket_id=bucket_id, state=State.VERIFIED).values_list("pk", "key", "size", "crc32c")
    newest = list(copies.order_by("-pk")[:SAMPLE])
    chosen = dict.fromkeys(newest[:NEWEST])
    if len(newest) == SAMPLE:
        chosen |= dict.fromkeys(copies.order_by("pk")[:OLDEST])
        first, last = min(chosen)[0], max(chosen)[0]
        for _ in range(DRAWN):
            chosen |= dict.fromkeys(copies.filter(pk__gte=first + draw(last - first)).order_by("pk")[:1])
    chosen |= dict.fromkeys(newest)  # what was drawn twice
    return [StoredObject(key, size or 0, crc32c) for _, key, size, crc32c in list(chosen)[:SAMPLE]]


def verified(bucket_id: int) -> int:
    return Copy.objects.filter(bucket_id=bucket_id, state=State.VERIFIED).count()


def entered(bucket_id: int) -> int:
    """Return how many copies are stored in the bucket or are to be, in any state."""
    return Copy.objects.filter(bucket_id=bucket_id).count()


def begin() -> None:
    """Create or empty the table of seen objects."""
    execute("CREATE TEMPORARY TABLE IF NOT EXISTS ledger_seen (key text PRIMARY KEY, size bigint NOT NULL, crc32c bigint)", [])
    execute("TRUNCATE ledger_seen", [])


def see(objects: Sequence[StoredObject]) -> None:
    """Enter objects that are in the bucket."""
    rows = [(one.key, one.size, one.crc32c) for one in objects]
    execute(
        "INSERT INTO ledger_seen (key, size, crc32c) SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING",
        columns(rows, 3),
    )


def take_back(bucket_id: int, before: datetime, now: datetime) -> int:
    """Fail the copies that were verified in the bucket before a time and whose object was not seen or differs. Return their number."""
    found = 0
    for reason, absent in ((ObjectDiffers.reason, f"EXISTS ({_SAME_NAME})"), (ObjectMissing.reason, f"NOT EXISTS ({_SAME_NAME})")):
        which = f"c.bucket_id = %(bucket)s AND c.changed_at < %(before)s AND {absent} AND NOT EXISTS ({_SAME})"
        values = {"bucket": bucket_id, "before": before}
        found += len(transitions.change(State.FAILED, Cause.INVENTORY, which, values, now, reason=reason))
    return found
