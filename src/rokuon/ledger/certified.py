"""What the ledger holds of the local days of targets in one time zone, summed up for a certificate.

The same conditions and days as a manifest has (`custody.days`), and the tally of the same rows: a certificate and the verifier come to
the same figures. Several statements: call them as of one moment (`sql.one_moment`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from rokuon.domain import windows

from .sql import CLOSED, at, columns, fetch


class CopySum(NamedTuple):
    """Copies of a target and day in a state and for a reason; `closed` by a person with a note, if failed or gone."""

    target_id: int
    day: date
    state: str
    reason: str
    closed: bool
    copies: int
    bytes: int


class CallSum(NamedTuple):
    """Calls of a target and day: `unnamed` were recorded with nothing to fetch, of which a person has closed `closed`."""

    target_id: int
    day: date
    calls: int
    recorded: int
    unnamed: int
    closed: int


@dataclass(frozen=True, slots=True)
class LocalDays:
    """Local days, both ends included, of one zone."""

    first: date
    last: date
    zone: str

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    @property
    def starts(self) -> list[datetime]:
        return [at(windows.local_midnight_ms(day, self.zone)) for day in self.days]

    @property
    def until(self) -> datetime:
        return at(windows.local_midnight_ms(self.last + timedelta(days=1), self.zone))


def copies(company_id: int, targets: Sequence[int], first: date, last: date) -> list[CopySum]:
    """Sum up the copies of these days, which are their date folders.

    From the tally: the copies themselves, many to a page and those of a target on every page, would be read from end to end for each zone.
    """
    span = [list(targets), first, last]
    closed = {
        tuple(key): count
        for *key, count in fetch(
            f"""SELECT c.target_id, c.day, c.state, c.reason, count(*) FROM ledger_copy c
                 WHERE c.id IN (SELECT copy_id FROM ledger_closing) AND c.target_id = ANY(%s) AND c.day BETWEEN %s AND %s
                   AND c.state IN ('failed', 'gone') AND {CLOSED} GROUP BY 1, 2, 3, 4""",  # noqa: S608 (constant pieces)
            span,
        )
    }
    found = []
    for target, day, state, reason, count, size in fetch(
        """SELECT target_id, day, state, reason, sum(copies)::bigint, sum(bytes)::bigint FROM ledger_tally
            WHERE company_id = %s AND target_id = ANY(%s) AND day BETWEEN %s AND %s
            GROUP BY 1, 2, 3, 4 HAVING sum(copies) <> 0 ORDER BY 1, 2, 3, 4""",
        [company_id, *span],
    ):
        by_person = closed.get((target, day, state, reason), 0)
        if by_person:
            found.append(CopySum(target, day, state, reason, True, by_person, size))
        if count > by_person:
            found.append(CopySum(target, day, state, reason, False, count - by_person, size))
    return found


def buckets(targets: Sequence[int], first: date, last: date) -> dict[int, dict[int, tuple[int, int] | None]]:
    """Return the buckets that have copies of these days by target, with the verified copies and their bytes; None for the bucket that has
    most of the target's copies, which has all the others."""
    found: dict[int, dict[int, tuple[int, int] | None]] = {}
    few = []
    for target, bucket in fetch(
        """SELECT target_id, bucket_id FROM ledger_copy WHERE target_id = ANY(%s) AND day BETWEEN %s AND %s
            GROUP BY 1, 2 ORDER BY 1, count(*) DESC, 2""",
        [list(targets), first, last],
    ):
        if target in found:
            few.append((target, bucket))
        found.setdefault(target, {})[bucket] = None
    for target, bucket, copies, size in fetch(
        """SELECT x.t, x.b, n.copies, n.bytes
             FROM unnest(%s::bigint[], %s::bigint[]) AS x(t, b),
                  LATERAL (SELECT count(*) AS copies, COALESCE(sum(c.size), 0)::bigint AS bytes FROM ledger_copy c
                            WHERE c.target_id = x.t AND c.bucket_id = x.b AND c.day BETWEEN %s AND %s AND c.state = 'verified') n""",
        [*columns(few, 2), first, last],
    ):
        found[target][bucket] = (copies, size)
    return found


def calls(targets: Sequence[int], span: LocalDays) -> list[CallSum]:
    """Sum up the calls that started on these days."""
    days, starts = span.days, span.starts
    rows = fetch(
        """SELECT k.target_id, width_bucket(k.started_at, %s::timestamptz[]), count(*),
                  count(*) FILTER (WHERE k.was_recorded OR k.recordings > 0),
                  count(*) FILTER (WHERE k.was_recorded AND k.recordings = 0),
                  count(x.call_id) FILTER (WHERE k.was_recorded AND k.recordings = 0)
             FROM ledger_call k LEFT JOIN ledger_callclosing x ON x.call_id = k.id
            WHERE k.target_id = ANY(%s) AND k.started_at >= %s AND k.started_at < %s GROUP BY 1, 2 ORDER BY 1, 2""",
        [starts, list(targets), starts[0], span.until],
    )
    return [CallSum(target, days[place - 1], *sums) for target, place, *sums in rows]


def coverage(targets: Sequence[int], first: date, last: date, fingerprint: str) -> dict[tuple[int, date], tuple[datetime, bool]]:
    """Return when each of these UTC days was last listed from end to end with these options, and whether it is sealed."""
    rows = fetch(
        """SELECT target_id, day, listed_at, sealed FROM ledger_coverage
            WHERE target_id = ANY(%s) AND day BETWEEN %s AND %s AND fingerprint = %s""",
        [list(targets), first, last, fingerprint],
    )
    return {(target, day): (listed_at, sealed) for target, day, listed_at, sealed in rows}


def unread(company_id: int, targets: Sequence[int], span: LocalDays) -> dict[tuple[int, date], int]:
    """Count the unreadable entries that nobody has closed by target and day; one of no known target may belong to any."""
    days, starts = span.days, span.starts
    rows = fetch(
        """SELECT t.id, GREATEST(1, width_bucket(u.after, %s::timestamptz[])),
                  width_bucket(u.before - interval '1 microsecond', %s::timestamptz[])
             FROM ledger_unreadable u JOIN unnest(%s::bigint[]) AS t(id) ON u.target_id = t.id OR u.target_id IS NULL
            WHERE u.company_id = %s AND u.closed_at IS NULL AND u.after < %s AND u.before > %s""",
        [starts, starts, list(targets), company_id, span.until, starts[0]],
    )
    found: dict[tuple[int, date], int] = {}
    for target, first, last in rows:
        for day in days[first - 1 : last]:
            found[target, day] = found.get((target, day), 0) + 1
    return found


def weaker_proofs(targets: Sequence[int], first: date, last: date) -> dict[str, int]:
    """Count the verified copies of these days that rely on another proof than the announced length."""
    rows = fetch(
        """SELECT proof, count(*) FROM ledger_copy
            WHERE target_id = ANY(%s) AND day BETWEEN %s AND %s AND state = 'verified'
              AND proof IN ('read_twice', 'read_apart', 'accepted') GROUP BY 1 ORDER BY 1""",
        [list(targets), first, last],
    )
    return dict(rows)
