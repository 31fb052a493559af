"""A company's request budget, shared by all processes through one row: spaced send slots on the database's clock.

Dialpad allows 20 requests in any second for a company over all its integrations (its docs, "Rate limits"). Slots are spaced 3 % wider
than the set rate, so that a window of one second holds no more than the rate even when answers of the database jitter by 30 ms.

There is one queue of slots, and nobody passes it: a slot between two others would be one request too many in its second. Live work is
quick because the queue is short. What waits for a slot waits in its process, which reserves a few at a time (`dialpad.pacing`); the
live lane waits apart from the others there.
"""

from collections.abc import Sequence
from typing import Literal

from django.db import connection

Lane = Literal["live", "bulk", "sweep"]

SPACING = 1.03
SWEEP_EVERY = 7
"""Sweeps list with one slot in seven at most, 14 %, so that a backfill is hardly slowed by them."""

UNPACED = 10_000
"""Requests per second that no source allows and no network carries: a budget this large is none, and no slots are reserved."""

_FIRST = "GREATEST(b.next_at, b.blocked_until, clock_timestamp())"
# A sweep's turn begins half a slot early: sums of rounded intervals may lie a microsecond on either side of it.
_RESERVE = f"""
    UPDATE org_budget b
       SET next_at = {_FIRST} + make_interval(secs => %(count)s * s.spacing),
           next_sweep_at = CASE WHEN %(sweep)s THEN {_FIRST} + make_interval(secs => ({SWEEP_EVERY} - 0.5) * s.spacing)
                                ELSE b.next_sweep_at END
      FROM (SELECT %(wide)s / requests_per_second AS spacing FROM org_company WHERE id = %(company)s) s
     WHERE b.company_id = %(company)s AND (NOT %(sweep)s OR b.next_sweep_at <= {_FIRST})
 RETURNING EXTRACT(EPOCH FROM b.next_at - clock_timestamp())::float8, s.spacing::float8
"""  # noqa: S608 (constant pieces)


def reserve(company_id: int, count: int, lane: Lane) -> Sequence[float]:
    """Reserve send slots: seconds from now for each, in order. A live or sweep reservation is for one slot, whatever was asked; for a
    sweep whose turn has not come it is for none (`sweep_waits`)."""
    count = count if lane == "bulk" else 1
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, {"count": count, "wide": SPACING, "sweep": lane == "sweep", "company": company_id})
        row = cursor.fetchone()
    if row is None and lane != "sweep":
        raise LookupError(f"company {company_id} has no budget row")
    if row is None:
        return []
    end, spacing = row
    return [max(0.0, end - (count - i) * spacing) for i in range(count)]


def sweep_waits(company_id: int) -> float:
    """Seconds until a sweep may reserve its next slot, if nobody else reserves any; 0 where it may now."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT GREATEST(0, EXTRACT(EPOCH FROM b.next_sweep_at - {_FIRST}))::float8 FROM org_budget b WHERE b.company_id = %s",  # noqa: S608
            [company_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"company {company_id} has no budget row")
    return float(row[0])


def slow_down(company_id: int, seconds: float) -> None:
    """No slot of the company before so many seconds from now; a shorter order never shortens a longer one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE org_budget SET blocked_until = GREATEST(blocked_until, clock_timestamp() + make_interval(secs => %s))
                WHERE company_id = %s""",
            [seconds, company_id],
        )
