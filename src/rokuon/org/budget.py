"""A company's request budget, shared by all processes through one row: spaced send slots on the database's clock.

Dialpad allows 20 requests in any second for a company over all its integrations (its docs, "Rate limits"). Slots are spaced 3 % wider
than the set rate, so that a window of one second holds no more than the rate even when answers of the database jitter by 30 ms.
"""

from collections.abc import Sequence
from typing import Literal

from django.db import connection

Lane = Literal["live", "bulk", "sweep"]

SPACING = 1.03
LIVE_EVERY = 5
"""Live work may take one slot in five ahead of the queue, which it pushes back by as much, so that the sum stays the rate. A call takes
two: one to list it, one to fetch it."""

SWEEP_EVERY = 7
"""Sweeps list with one slot in seven at most, 14 %, so that a backfill is hardly slowed by them. They stand in the queue like others."""

UNPACED = 10_000
"""Requests per second that no source allows and no network carries: a budget this large is none, and no slots are reserved."""

_BULK = """
    UPDATE org_budget b
       SET next_at = GREATEST(b.next_at, b.blocked_until, clock_timestamp()) + make_interval(secs => %(count)s * s.spacing)
      FROM (SELECT %(wide)s / requests_per_second AS spacing FROM org_company WHERE id = %(company)s) s
     WHERE b.company_id = %(company)s
 RETURNING EXTRACT(EPOCH FROM b.next_at - clock_timestamp())::float8, s.spacing::float8
"""
_LANE = """
    UPDATE org_budget b
       SET {mark} = GREATEST(b.{mark}, {after}, b.blocked_until, clock_timestamp()) + make_interval(secs => %(every)s * s.spacing),
           next_at = GREATEST(b.next_at, b.blocked_until, clock_timestamp()) + make_interval(secs => s.spacing)
      FROM (SELECT %(wide)s / requests_per_second AS spacing FROM org_company WHERE id = %(company)s) s
     WHERE b.company_id = %(company)s
 RETURNING EXTRACT(EPOCH FROM b.{mark} - clock_timestamp())::float8 - (%(every)s - 1) * s.spacing::float8, s.spacing::float8
"""
_LANES: dict[Lane, tuple[str, int]] = {
    "bulk": (_BULK, 1),
    "live": (_LANE.format(mark="next_live_at", after="b.next_live_at"), LIVE_EVERY),
    "sweep": (_LANE.format(mark="next_sweep_at", after="b.next_at"), SWEEP_EVERY),
}


def reserve(company_id: int, count: int, lane: Lane) -> Sequence[float]:
    """Reserve send slots: seconds from now for each, in order. A live or sweep reservation is for one slot, whatever was asked."""
    sql, every = _LANES[lane]
    count = count if lane == "bulk" else 1
    with connection.cursor() as cursor:
        cursor.execute(sql, {"count": count, "wide": SPACING, "every": every, "company": company_id})
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"company {company_id} has no budget row")
    end, spacing = row
    return [max(0.0, end - (count - i) * spacing) for i in range(count)]


def slow_down(company_id: int, seconds: float) -> None:
    """No slot of the company before so many seconds from now; a shorter order never shortens a longer one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE org_budget SET blocked_until = GREATEST(blocked_until, clock_timestamp() + make_interval(secs => %s))
                WHERE company_id = %s""",
            [seconds, company_id],
        )
