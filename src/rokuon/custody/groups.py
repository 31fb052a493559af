"""Which days of a target an issue reads in one transaction: about 2,000 lines, because the worker's other work waits for the database's
thread meanwhile."""

from collections import Counter
from collections.abc import Sequence
from datetime import date

from rokuon.ledger.sql import columns, fetch

from .days import bounds

MOST_AT_ONCE, LINES_AT_ONCE = 400, 2000

_COPIES = "SELECT day, count(*) FROM ledger_copy WHERE target_id = %s AND day = ANY(%s) GROUP BY day"
_WITHOUT = """
    SELECT d.day, count(*)
      FROM unnest(%s::date[], %s::timestamptz[], %s::timestamptz[]) AS d(day, since, until)
      JOIN ledger_call k ON k.target_id = %s AND k.started_at >= d.since AND k.started_at < d.until AND k.was_recorded AND k.recordings = 0
     GROUP BY 1
"""


def of(target_id: int, zone: str, days: Sequence[date]) -> list[list[date]]:
    """Return at most `MOST_AT_ONCE` of these days, in groups: each has at most `LINES_AT_ONCE` copies and calls without a recording, or is
    one day. The first days are returned; ask again for the rest. Counts in two indexes, so that no row is read for it."""
    wanted = list(days[:MOST_AT_ONCE])
    ranges = [(day.isoformat(), *(one.isoformat() for one in bounds(day, zone))) for day in wanted]
    counted = Counter(dict(fetch(_COPIES, [target_id, wanted])))
    counted.update(dict(fetch(_WITHOUT, [*columns(ranges, 3), target_id])))
    groups: list[list[date]] = []
    lines = LINES_AT_ONCE
    for day in wanted:
        lines += counted[day]
        if not groups or lines > LINES_AT_ONCE:
            groups.append([])
            lines = counted[day]
        groups[-1].append(day)
    return groups
