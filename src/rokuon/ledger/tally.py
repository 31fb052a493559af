"""Counts of copies by state, from `ledger_tally`: exact, and at the same cost for a thousand recordings and for ten million.

Triggers write the tally with every change of a copy (`models.Tally`); this module reads it and keeps it short.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction

from .sql import execute, fetch

KEPT = timedelta(minutes=10)
"""Differences stay separate rows this long, so that the rate of the last minutes can be computed from them."""

_FOLDER = 0x726F6B75
"""The advisory lock of `fold`."""

EARLIEST_ZONE, LATEST_ZONE = timedelta(hours=12), timedelta(hours=14)
"""The largest offsets of local time behind UTC and ahead of it, in any zone."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Copies by state, and the bytes that are proven to be in the bucket."""

    pending: int = 0
    verified: int = 0
    failed: int = 0
    gone: int = 0
    excluded: int = 0
    bytes: int = 0
    recorded_ms: int = 0

    @property
    def discovered(self) -> int:
        return self.pending + self.verified + self.failed + self.gone + self.excluded

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


_STATES = """
    sum(copies) FILTER (WHERE state = 'pending'), sum(copies) FILTER (WHERE state = 'verified'),
    sum(copies) FILTER (WHERE state = 'failed'), sum(copies) FILTER (WHERE state = 'gone'),
    sum(copies) FILTER (WHERE state = 'excluded')
"""
_SUMS = f"SELECT target_id, {_STATES}, sum(bytes), sum(recorded_ms)"
_OF_TARGETS = "company_id = %(company)s AND (%(targets)s::bigint[] IS NULL OR target_id = ANY(%(targets)s))"

# A range may begin and end within a day. This is the tally of every day that may touch it, minus the copies of those days outside it.
_IN_RANGE = f"""
      FROM (SELECT target_id, state, copies, bytes, recorded_ms FROM ledger_tally
             WHERE {_OF_TARGETS} AND (%(first)s::date IS NULL OR day >= %(first)s) AND (%(last)s::date IS NULL OR day <= %(last)s)
            UNION ALL
            SELECT target_id, state, -1, CASE WHEN state = 'verified' THEN -size ELSE 0 END,
                   CASE WHEN state = 'verified' THEN -audio_ms ELSE 0 END
              FROM ledger_copy
             WHERE target_id = ANY(ARRAY(SELECT id FROM org_target
                                          WHERE company_id = %(company)s AND (%(targets)s::bigint[] IS NULL OR id = ANY(%(targets)s))))
               AND company_id = %(company)s
               AND ((call_started_at < %(since)s::timestamptz AND call_started_at >= %(since)s::timestamptz - interval '3 days'
                     AND day >= %(first)s)
                 OR (call_started_at >= %(until)s::timestamptz AND call_started_at < %(until)s::timestamptz + interval '3 days'
                     AND day <= %(last)s))) AS parts
     GROUP BY target_id
"""  # noqa: S608 (constant pieces)
_EVER = f" FROM ledger_tally WHERE {_OF_TARGETS} GROUP BY target_id"


def counts_by_target(
    company_id: int, targets: Sequence[int] | None = None, since: datetime | None = None, until: datetime | None = None
) -> dict[int, Counts]:
    """Count the copies of each target by state; only of calls that started in [since, until), if given."""
    values = {"company": company_id, "targets": list(targets) if targets is not None else None, "since": since, "until": until}
    if since is None and until is None:
        rows = fetch(_SUMS + _EVER, values)
    else:
        first = (since - EARLIEST_ZONE).date() if since else None
        last = (until + LATEST_ZONE).date() if until else None
        rows = fetch(_SUMS + _IN_RANGE, {**values, "first": first, "last": last})
    return {target: counts for target, *sums in rows if (counts := Counts(*(int(one or 0) for one in sums))) != Counts()}


def counts_by_day(company_id: int, targets: Sequence[int], first: date, last: date) -> dict[tuple[int, date], Counts]:
    """Count copies by target and local day (the date folder of the key), both ends included; states only."""
    rows = fetch(
        """SELECT target_id, day, COALESCE(sum(copies) FILTER (WHERE state = 'pending'), 0)::int,
                  COALESCE(sum(copies) FILTER (WHERE state = 'verified'), 0)::int,
                  COALESCE(sum(copies) FILTER (WHERE state = 'failed'), 0)::int,
                  COALESCE(sum(copies) FILTER (WHERE state = 'gone'), 0)::int,
                  COALESCE(sum(copies) FILTER (WHERE state = 'excluded'), 0)::int
             FROM ledger_tally WHERE company_id = %s AND target_id = ANY(%s) AND day >= %s AND day <= %s
            GROUP BY 1, 2 HAVING sum(copies) <> 0""",
        [company_id, list(targets), first, last],
    )
    return {(target, day): Counts(*states) for target, day, *states in rows}


def totals_by_day(company_id: int, targets: Sequence[int], first: date, last: date) -> dict[date, Counts]:
    """Count copies and proven bytes of all these targets by local day (the date folder of the key), both ends included."""
    rows = fetch(
        f"""SELECT day, {_STATES}, sum(bytes), sum(recorded_ms)
             FROM ledger_tally WHERE company_id = %s AND target_id = ANY(%s) AND day >= %s AND day <= %s GROUP BY 1""",  # noqa: S608
        [company_id, list(targets), first, last],
    )
    return {day: counts for day, *sums in rows if (counts := Counts(*(int(one or 0) for one in sums))) != Counts()}


def counts_in_ranges(company_id: int, targets: Sequence[int], ranges: Sequence[tuple[datetime, datetime]]) -> list[Counts]:
    """Count the copies of all these targets by state for each range [since, until) of call starts; states only. The tally is read once for
    all ranges."""
    if not ranges or not targets:
        return [Counts() for _one in ranges]
    spans = [((since - EARLIEST_ZONE).date(), (until + LATEST_ZONE).date()) for since, until in ranges]
    by_day = totals_by_day(company_id, targets, min(first for first, _last in spans), max(last for _first, last in spans))
    outside: dict[int, list[StateSum]] = {}
    for place, state, copies in fetch(_OUTSIDE, _ranges_of(company_id, targets, ranges, spans)):
        outside.setdefault(place - 1, []).append((state, copies))
    found = []
    for place, (first, last) in enumerate(spans):
        counts = sum((one for day, one in by_day.items() if first <= day <= last), Counts())
        less = Counts(**{state: -copies for state, copies in outside.get(place, ())})
        found.append(replace(counts + less, bytes=0, recorded_ms=0))
    return found


StateSum = tuple[str, int]

# The copies of the first and last days that lie outside of each range; `begin` and `end` are the times of these days in any zone.
_OUTSIDE = """
    SELECT x.place, c.state, count(*)
      FROM unnest(%(since)s::timestamptz[], %(until)s::timestamptz[], %(first)s::date[], %(last)s::date[], %(begin)s::timestamptz[],
                  %(end)s::timestamptz[]) WITH ORDINALITY AS x(since, until, first, last, begin_at, end_at, place),
           unnest(%(targets)s::bigint[]) AS t(id),
           LATERAL (SELECT state FROM ledger_copy
                     WHERE target_id = t.id AND company_id = %(company)s AND call_started_at < x.since
                       AND call_started_at >= x.begin_at AND day >= x.first
                    UNION ALL
                    SELECT state FROM ledger_copy
                     WHERE target_id = t.id AND company_id = %(company)s AND call_started_at >= x.until
                       AND call_started_at < x.end_at AND day <= x.last) AS c
     GROUP BY 1, 2
"""


def _ranges_of(
    company_id: int, targets: Sequence[int], ranges: Sequence[tuple[datetime, datetime]], spans: Sequence[tuple[date, date]]
) -> dict[str, object]:
    since, until = zip(*ranges, strict=True)
    first, last = zip(*spans, strict=True)
    days = {
        "first": list(first),
        "last": list(last),
        "begin": [datetime.combine(day, time(), UTC) - LATEST_ZONE for day in first],
        "end": [datetime.combine(day, time(), UTC) + timedelta(days=1) + EARLIEST_ZONE for day in last],
    }
    return {"company": company_id, "targets": list(targets), "since": list(since), "until": list(until), **days}


@dataclass(frozen=True, slots=True)
class StateCount:
    """Copies in a state for a reason ("" for none); `targets` is the number of their targets. The days are the local days of the oldest and
    newest call; a copy that left the state affects them until its row is folded."""

    state: str
    reason: str
    copies: int
    bytes: int
    recorded_ms: int
    targets: int
    first_day: date
    last_day: date


def causes(company_id: int, targets: Sequence[int] | None = None) -> list[StateCount]:
    """Return every state with its reasons, the most frequent first. Their sum equals that of `counts_by_target`."""
    rows = fetch(
        f"""SELECT state, reason, sum(copies)::bigint AS n, sum(bytes)::bigint, sum(recorded_ms)::bigint, count(*), min(first), max(last)
              FROM (SELECT target_id, state, reason, sum(copies) AS copies, sum(bytes) AS bytes, sum(recorded_ms) AS recorded_ms,
                           min(day) FILTER (WHERE copies > 0) AS first, max(day) FILTER (WHERE copies > 0) AS last
                      FROM ledger_tally WHERE {_OF_TARGETS} GROUP BY 1, 2, 3 HAVING sum(copies) <> 0) AS there
             GROUP BY state, reason ORDER BY n DESC, state, reason""",  # noqa: S608 (constant pieces)
        {"company": company_id, "targets": list(targets) if targets is not None else None},
    )
    return [StateCount(*row) for row in rows]


def total(causes: Iterable[StateCount]) -> Counts:
    """Return the sum of these counts."""
    return sum((Counts(**{one.state: one.copies, "bytes": one.bytes, "recorded_ms": one.recorded_ms}) for one in causes), Counts())


def pending(company_id: int, targets: Sequence[int] | None = None) -> int:
    """Count pending copies."""
    ((copies,),) = fetch(
        f"SELECT COALESCE(sum(copies), 0)::bigint FROM ledger_tally WHERE {_OF_TARGETS} AND state = 'pending'",  # noqa: S608
        {"company": company_id, "targets": list(targets) if targets is not None else None},
    )
    return int(copies)


@dataclass(frozen=True, slots=True)
class MeasuredRate:
    """Copies and bytes that were verified in the last `seconds`."""

    copies: int
    bytes: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.copies / self.seconds


def verified_recently(company_id: int, targets: Sequence[int] | None = None, within: timedelta = timedelta(minutes=1)) -> MeasuredRate:
    """Return what was verified in the time `within`, at most `KEPT`, by the database's clock."""
    ((copies, size),) = fetch(
        f"""SELECT COALESCE(sum(copies), 0)::bigint, COALESCE(sum(bytes), 0)::bigint FROM ledger_tally
             WHERE {_OF_TARGETS} AND state = 'verified' AND copies > 0
               AND at IS NOT NULL AND at > clock_timestamp() - %(within)s""",  # noqa: S608 (constant pieces)
        {"company": company_id, "targets": list(targets) if targets is not None else None, "within": within},
    )
    return MeasuredRate(copies, size, within.total_seconds())


@transaction.atomic
def fold(older_than: timedelta = KEPT) -> int:
    """Add up older rows, and return their number. Only one process folds at a time: if another one is folding, this does nothing."""
    if not fetch("SELECT pg_try_advisory_xact_lock(%s)", [_FOLDER])[0][0]:
        return 0
    return execute(
        """WITH touched AS (
               SELECT DISTINCT company_id, target_id, day FROM ledger_tally WHERE at <= clock_timestamp() - %(older)s),
           gone AS (
               DELETE FROM ledger_tally t USING touched x
                WHERE t.company_id = x.company_id AND t.target_id = x.target_id AND t.day = x.day
                  AND (t.at IS NULL OR t.at <= clock_timestamp() - %(older)s)
            RETURNING t.*)
           INSERT INTO ledger_tally (company_id, target_id, day, state, reason, copies, bytes, recorded_ms)
           SELECT company_id, target_id, day, state, reason, sum(copies), sum(bytes), sum(recorded_ms)
             FROM gone GROUP BY 1, 2, 3, 4, 5
           HAVING sum(copies) <> 0 OR sum(bytes) <> 0 OR sum(recorded_ms) <> 0""",
        {"older": older_than},
    )
