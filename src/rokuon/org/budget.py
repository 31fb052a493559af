"""A company's request budget, shared by all processes through one row: spaced send slots on the database's clock.

Dialpad allows 20 requests in any second for a company over all its integrations (its docs, "Rate limits"). Slots are spaced 3 % wider than
the set rate, so that a window of one second holds no more than the rate even if the database's answers jitter by 30 ms.

There is one queue of slots, without overtaking: a slot between two others would be one request too many in its second. Live work is fast
because the queue is short. Requests wait for their slots in their process, which reserves a few at a time (`dialpad.pacing`); the live lane
waits separately from the others there.

Repeated 429s show a limit that is lower than the set rate, or that others use up. Each lowers the rate by 30 %, and without one it rises
again by a sixtieth of the set rate per minute, as TCP finds its rate. The set rate is the maximum. A single 429 costs only its pause.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import connection

from rokuon.domain.pace import SPACING

Lane = Literal["live", "bulk", "sweep"]

SWEEP_EVERY = 7
"""Sweeps list with at most one slot in seven, 14 %, so that they hardly slow down a backfill."""

UNPACED = 10_000
"""Requests per second that no source allows and no network carries: such a budget means no limit, and no slots are reserved."""

GO_ON_S = 10 * 60
"""A 429 so soon after the previous one, or after its pause, means that the rate is too high; a later one is a separate event."""
IN_FLIGHT_S = 5
"""Answers to requests that were sent before a pause was known belong to the same 429."""
LOWERED_BY = 0.7
RAISED_BY = 1 / 60
"""Of the set rate, per minute: slowly, because each time the limit is reached again costs a pause."""
LOWEST = 0.5
"""Requests per second. The rate never falls below this: with fewer requests Rokuon would not notice that the limit has ended."""

_FIRST = "GREATEST(b.next_at, b.blocked_until, clock_timestamp())"
_SET = "c.requests_per_second::float8"
_RAISED = f"{RAISED_BY} * {_SET} * GREATEST(0, EXTRACT(EPOCH FROM clock_timestamp() - GREATEST(b.lowered_at, b.blocked_until)) / 60)"
_RATE = f"LEAST({_SET}, COALESCE(b.lowered_to + {_RAISED}, {_SET}))"
"""The current requests per second, at most the set rate."""
_APART = f"make_interval(secs => {SPACING} / ({_RATE}))"

# A sweep's turn begins half a slot early: sums of rounded intervals may be a microsecond before or after it.
_RESERVE = f"""
    UPDATE org_budget b
       SET next_at = {_FIRST} + %(count)s * {_APART},
           next_sweep_at = CASE WHEN %(sweep)s THEN {_FIRST} + ({SWEEP_EVERY} - 0.5) * {_APART} ELSE b.next_sweep_at END
      FROM org_company c
     WHERE b.company_id = %(company)s AND c.id = b.company_id AND (NOT %(sweep)s OR b.next_sweep_at <= {_FIRST})
 RETURNING EXTRACT(EPOCH FROM b.next_at - clock_timestamp())::float8, ({SPACING} / ({_RATE}))::float8
"""  # noqa: S608 (constant pieces)

_NEW = f"clock_timestamp() >= GREATEST(b.throttled_at + make_interval(secs => {IN_FLIGHT_S}), b.blocked_until)"
_GOES_ON = f"{_NEW} AND clock_timestamp() < GREATEST(b.throttled_at, b.blocked_until) + make_interval(secs => {GO_ON_S})"
_SLOW_DOWN = f"""
    UPDATE org_budget b
       SET blocked_until = GREATEST(b.blocked_until, clock_timestamp() + make_interval(secs => %(seconds)s)),
           asked_until = GREATEST(CASE WHEN b.blocked_until > clock_timestamp() THEN b.asked_until END,
                                  clock_timestamp() + make_interval(secs => %(asked)s)),
           lowered_to = CASE WHEN b.throttled_at IS NOT NULL AND {_GOES_ON}
                             THEN GREATEST(LEAST({LOWEST}, {_SET}), {LOWERED_BY} * {_RATE}) ELSE b.lowered_to END,
           lowered_at = CASE WHEN b.throttled_at IS NOT NULL AND {_GOES_ON} THEN clock_timestamp() ELSE b.lowered_at END,
           throttled_at = CASE WHEN {_NEW} THEN clock_timestamp() ELSE b.throttled_at END
      FROM org_company c
     WHERE b.company_id = %(company)s AND c.id = b.company_id
"""  # noqa: S608 (constant pieces)

_STANDING = f"""
    SELECT ({_RATE})::float8, {_SET}, CASE WHEN b.blocked_until > clock_timestamp() THEN b.blocked_until END, b.asked_until
      FROM org_budget b JOIN org_company c ON c.id = b.company_id WHERE b.company_id = %s
"""  # noqa: S608 (constant pieces)


@dataclass(frozen=True, slots=True)
class BudgetState:
    """The part of its budget that a company may use now: `rate` of `most` requests per second, and none before `paused_until`.

    `asked_until` is how long Dialpad asked to pause, if it named a time for the current pause; it may be after `paused_until`.
    """

    rate: float
    most: float
    paused_until: datetime | None = None
    asked_until: datetime | None = None

    @property
    def lowered(self) -> bool:
        return self.rate < 0.995 * self.most


def budget_state(company_id: int) -> BudgetState:
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [company_id])
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"company {company_id} has no budget row")
    rate, most, paused_until, asked_until = row
    return BudgetState(rate, most, paused_until, asked_until if paused_until else None)


def end_pause(company_id: int) -> None:
    """End the pause on a person's order: requests are sent again at once."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE org_budget SET blocked_until = clock_timestamp(), next_at = LEAST(next_at, clock_timestamp()), asked_until = NULL"
            " WHERE company_id = %s AND blocked_until > clock_timestamp()",
            [company_id],
        )


def reserve(company_id: int, count: int, lane: Lane) -> Sequence[float]:
    """Reserve send slots and return the seconds from now for each, in order. A live or sweep reservation is for one slot, whatever `count`
    is; a sweep whose turn has not come gets none (`sweep_waits`)."""
    count = count if lane == "bulk" else 1
    with connection.cursor() as cursor:
        cursor.execute(_RESERVE, {"count": count, "sweep": lane == "sweep", "company": company_id})
        row = cursor.fetchone()
    if row is None and lane != "sweep":
        raise LookupError(f"company {company_id} has no budget row")
    if row is None:
        return []
    end, spacing = row
    return [max(0.0, end - (count - i) * spacing) for i in range(count)]


def sweep_waits(company_id: int) -> float:
    """Return the seconds until a sweep may reserve its next slot, if nobody else reserves any; 0 if it may now."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT GREATEST(0, EXTRACT(EPOCH FROM b.next_sweep_at - {_FIRST}))::float8 FROM org_budget b WHERE b.company_id = %s",  # noqa: S608
            [company_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"company {company_id} has no budget row")
    return float(row[0])


def slow_down(company_id: int, seconds: float, asked: float | None = None) -> None:
    """Grant the company no slot for this many seconds; a shorter pause never shortens a longer one. `asked` is the time that Dialpad asked
    for, if it named one."""
    with connection.cursor() as cursor:
        cursor.execute(_SLOW_DOWN, {"seconds": seconds, "asked": asked, "company": company_id})
