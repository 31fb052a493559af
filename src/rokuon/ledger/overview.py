"""Queries of the overview page: the oldest unprotected recording, and the state of each target and day.

Every statement is limited by targets and days; none counts copies (`ledger.tally`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from rokuon.domain import windows

from . import unread
from .sql import UNNAMED, at, fetch, ms
from .tally import Counts, counts_by_day


@dataclass(frozen=True, slots=True)
class Unprotected:
    target_id: int
    call_started_at: datetime


def oldest_unprotected(targets: Sequence[int]) -> Unprotected | None:
    """Return the pending or failed copy with the oldest call; None if there is none."""
    rows = fetch(
        """SELECT t.id, o.call_started_at
             FROM unnest(%s::bigint[]) AS t(id),
                  LATERAL (SELECT call_started_at FROM ledger_copy
                            WHERE target_id = t.id AND state IN ('pending', 'failed') ORDER BY call_started_at LIMIT 1) AS o
            ORDER BY o.call_started_at, t.id LIMIT 1""",
        [list(targets)],
    )
    return Unprotected(*rows[0]) if rows else None


COUNTED = 10_000


def weaker_proofs(targets: Sequence[int]) -> dict[str, int]:
    """Count the copies that count as verified by each of the weaker proofs (row S10), without zeros; counting stops at `COUNTED` for each
    proof."""
    rows = fetch(
        """SELECT p, (SELECT count(*) FROM (
                       SELECT 1 FROM unnest(%s::bigint[]) AS t(id),
                              LATERAL (SELECT 1 FROM ledger_copy
                                        WHERE target_id = t.id AND proof = p AND proof IN ('read_twice', 'read_apart', 'accepted')
                                        LIMIT %s) AS c
                        LIMIT %s) AS found)
             FROM unnest(ARRAY['read_twice', 'read_apart', 'accepted']) AS p""",
        [list(targets), COUNTED, COUNTED],
    )
    return {proof: count for proof, count in rows if count}


class DayState(StrEnum):
    """The worst first. `unlisted`: the day was not completely listed since it ended, so its state is not known yet. `empty`: listed, and
    nothing was recorded."""

    FAILED = "failed"
    INCOMPLETE = "incomplete"
    UNLISTED = "unlisted"
    COMPLETE = "complete"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Day:
    """A local day of a target. `unnamed` counts its unexplained calls that were recorded although no recording is listed for them;
    `unread`: it may contain an unexplained, unreadable entry. A person has closed `closed` of its failed and gone recordings."""

    state: DayState
    counts: Counts
    unnamed: int = 0
    unread: bool = False
    closed: int = 0


def day_state(counts: Counts, unnamed: int, *, listed: bool, odd: bool = False, closed: int = 0) -> DayState:
    """Return the state of a day. Known problems take precedence over missing knowledge, and both over a good state."""
    if counts.failed + counts.gone > closed:
        return DayState.FAILED
    if counts.pending or unnamed or odd:
        return DayState.INCOMPLETE
    if not listed:
        return DayState.UNLISTED
    return DayState.COMPLETE if counts.discovered else DayState.EMPTY


def calendar(company_id: int, zones: Mapping[int, str], first: date, last: date, fingerprint: str) -> dict[int, list[Day]]:
    """Return, for each target (`zones` maps it to its zone), its local days from `first` to `last`, oldest first.

    Calls are counted by local day, and listings by UTC day: a local day counts as listed when every UTC day that it touches is listed.
    """
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    counts = counts_by_day(company_id, list(zones), first, last)
    listed = _listed(list(zones), first - timedelta(days=1), last + timedelta(days=1), fingerprint)
    found: dict[int, list[Day]] = {}
    for zone in sorted(set(zones.values())):
        targets = [target for target, its_zone in zones.items() if its_zone == zone]
        midnights = [windows.local_midnight_ms(day, zone) for day in [*days, last + timedelta(days=1)]]
        touched = [(windows.day_of(start), windows.day_of(end - 1)) for start, end in pairwise(midnights)]
        unnamed = _unnamed(targets, midnights)
        odd = _unread(company_id, targets, midnights)
        closed = _closed(targets, first, last)
        for target in targets:
            covered = listed.get(target, frozenset[date]())
            found[target] = [
                _day(
                    counts.get((target, day), _NONE),
                    unnamed.get((target, number), 0),
                    closed.get((target, day), 0),
                    listed={begin, end} <= covered,
                    odd=(target, number) in odd,
                )
                for number, (day, (begin, end)) in enumerate(zip(days, touched, strict=True))
            ]
    return found


_NONE = Counts()


def _day(counts: Counts, unnamed: int, closed: int, *, listed: bool, odd: bool) -> Day:
    return Day(day_state(counts, unnamed, listed=listed, odd=odd, closed=closed), counts, unnamed, odd, closed)


def _closed(targets: Sequence[int], first: date, last: date) -> dict[tuple[int, date], int]:
    """Count failed and gone copies that a person has closed, by target and local day (the date folder of the key)."""
    rows = fetch(
        """SELECT c.target_id, c.day, count(*)
             FROM ledger_closing k JOIN ledger_copy c ON c.id = k.copy_id
            WHERE k.at >= c.changed_at AND c.state IN ('failed', 'gone') AND c.target_id = ANY(%s)
              AND c.day BETWEEN %s AND %s GROUP BY 1, 2""",
        [list(targets), first, last],
    )
    return {(target, day): copies for target, day, copies in rows}


def _listed(targets: Sequence[int], first: date, last: date, fingerprint: str) -> dict[int, frozenset[date]]:
    """Return the UTC days of each target that were listed from end to end with the current fingerprint."""
    rows = fetch(
        """SELECT target_id, array_agg(day) FROM ledger_coverage
            WHERE target_id = ANY(%s) AND day >= %s AND day <= %s AND fingerprint = %s GROUP BY 1""",
        [list(targets), first, last, fingerprint],
    )
    return {target: frozenset(days) for target, days in rows}


def _unnamed(targets: Sequence[int], midnights: Sequence[int]) -> dict[tuple[int, int], int]:
    """Count unexplained calls that were recorded and have nothing to fetch, by target and number of the day (from 0)."""
    borders = [at(one) for one in midnights]
    rows = fetch(
        f"""SELECT target_id, width_bucket(started_at, %s::timestamptz[]) - 1, count(*) FROM ledger_call k
            WHERE target_id = ANY(%s) AND {UNNAMED} AND started_at >= %s AND started_at < %s GROUP BY 1, 2""",  # noqa: S608 (a constant piece)
        [borders, list(targets), borders[0], borders[-1]],
    )
    return {(target, number): count for target, number, count in rows}


def _unread(company_id: int, targets: Sequence[int], midnights: Sequence[int]) -> set[tuple[int, int]]:
    """Return the targets and numbers of their days (from 0) that may contain an unexplained, unreadable entry."""
    found = unread.still_open(unread.find(company_id, targets, at(midnights[0]), at(midnights[-1])))
    hit = set()
    for whose, after, before in found.order_by().values_list("target_id", "after", "before").distinct():
        first, last = bisect_right(midnights, ms(after)) - 1, bisect_left(midnights, ms(before)) - 1
        days = range(max(0, first), min(last, len(midnights) - 2) + 1)
        hit |= {(target, day) for target in (targets if whose is None else [whose]) for day in days}
    return hit
