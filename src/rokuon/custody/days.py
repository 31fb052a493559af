"""What the ledger holds of a target's local day, as the lines of a manifest (docs/design/custody.md, "Manifest").

The day line states the counts of the lines that follow, and each sum is checked before anything is signed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from rokuon.domain import windows
from rokuon.domain.failures import InternalFault
from rokuon.ledger.sql import at, columns, fetch

from . import canonical, lines
from .canonical import Value
from .lines import Copied

# Each day is counted separately, in the index: joined, all calls of the target were read for the few of a group of days, which was two
# thirds of what an issue cost the database.
_CALLS = """
    SELECT d.day, n.listed, n.recorded
      FROM unnest(%s::date[], %s::timestamptz[], %s::timestamptz[]) AS d(day, since, until),
           LATERAL (SELECT count(*) AS listed, count(*) FILTER (WHERE k.was_recorded OR k.recordings > 0) AS recorded
                      FROM ledger_call k WHERE k.target_id = %s AND k.started_at >= d.since AND k.started_at < d.until) n
"""

_WITHOUT = """
    SELECT d.day, k.call_id, k.started_at, x.at
      FROM unnest(%s::date[], %s::timestamptz[], %s::timestamptz[]) AS d(day, since, until)
      JOIN ledger_call k ON k.target_id = %s AND k.started_at >= d.since AND k.started_at < d.until AND k.was_recorded AND k.recordings = 0
      LEFT JOIN ledger_callclosing x ON x.call_id = k.id
"""

_LISTED = """
    SELECT d.day, min(v.listed_at), bool_and(v.sealed), count(v.id), d.utc_days
      FROM unnest(%s::date[], %s::timestamptz[], %s::timestamptz[], %s::date[], %s::date[], %s::int[])
           AS d(day, since, until, first, last, utc_days)
      LEFT JOIN ledger_coverage v ON v.target_id = %s AND v.day BETWEEN d.first AND d.last AND v.fingerprint = %s
     GROUP BY d.day, d.utc_days
"""

_UNREAD = """
    SELECT d.day, count(*)
      FROM unnest(%s::date[], %s::timestamptz[], %s::timestamptz[]) AS d(day, since, until)
      JOIN ledger_unreadable u ON u.company_id = %s AND (u.target_id = %s OR u.target_id IS NULL) AND u.closed_at IS NULL
                              AND u.after < d.until AND u.before > d.since
     GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a day is read for: a target in one of its company's buckets. `fingerprint`: how a listing must have been made to count."""

    company_id: int
    target_id: int
    bucket_id: int
    zone: str
    fingerprint: str


@dataclass(slots=True)
class DayLines:
    """A target's local day: its day line without a revision, and the lines below it as bytes. `sha256` is of all that a new revision is
    worth: not the time of a listing that found nothing new."""

    day: date
    line: dict[str, Value]
    lines: bytes
    sha256: str = field(init=False)
    verified: int = 0
    explained: int = 0
    open: int = 0
    erased: int = 0
    size: int = 0

    def __post_init__(self) -> None:
        lasting = {name: value for name, value in self.line.items() if name != "listed_at"}
        self.sha256 = hashlib.sha256(canonical.line(lasting) + self.lines).hexdigest()

    def written(self, revision: int) -> bytes:
        return canonical.line({**self.line, "revision": revision}) + self.lines

    @property
    def count(self) -> int:
        return int(str(self.line["lines"]))


def read(subject: Subject, days: Sequence[date], final_at: Mapping[date, datetime]) -> list[DayLines]:
    """Return the days in order. `final_at` is when a day was first called final: what was entered after that is `late`.

    Several statements: call it in one REPEATABLE READ transaction.
    """
    spans = {day: bounds(day, subject.zone) for day in days}
    ranges = columns([(day.isoformat(), since.isoformat(), until.isoformat()) for day, (since, until) in spans.items()], 3)
    counted = {day: (listed, recorded) for day, listed, recorded in fetch(_CALLS, [*ranges, subject.target_id])}
    without: dict[date, list[tuple[Any, ...]]] = {}
    for day, *row in fetch(_WITHOUT, [*ranges, subject.target_id]):
        without.setdefault(day, []).append(tuple(row))
    copies: dict[date, list[Copied]] = {}
    values = {"target": subject.target_id, "days": list(days), "bucket": subject.bucket_id}
    for day, *row in fetch(lines.COPIES, values):
        copies.setdefault(day, []).append(Copied(*row))
    listed = _listed(subject, spans)
    return [
        _day(subject, day, copies.get(day, []), without.get(day, []), counted.get(day, (0, 0)), listed[day], final_at.get(day))
        for day in sorted(days)
    ]


def bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    """Return when a local day begins and ends."""
    since, until = windows.local_span_ms(day, zone)
    return at(since), at(until)


@dataclass(frozen=True, slots=True)
class _Listed:
    at: datetime | None
    final: bool
    unread: int


def _listed(subject: Subject, spans: Mapping[date, tuple[datetime, datetime]]) -> dict[date, _Listed]:
    """Return when the whole local day was last listed from end to end, by the UTC days that it overlaps."""
    rows = []
    for day, (since, until) in spans.items():
        first, last = since.date(), (until - timedelta(milliseconds=1)).date()
        rows.append((day.isoformat(), since.isoformat(), until.isoformat(), first.isoformat(), last.isoformat(), (last - first).days + 1))
    unread = dict(fetch(_UNREAD, [*columns([row[:3] for row in rows], 3), subject.company_id, subject.target_id]))
    found = {}
    for day, listed_at, sealed, covered, utc_days in fetch(_LISTED, [*columns(rows, 6), subject.target_id, subject.fingerprint]):
        whole = covered == utc_days and not unread.get(day)
        found[day] = _Listed(listed_at if whole else None, whole and bool(sealed), unread.get(day, 0))
    return found


def _day(
    subject: Subject,
    day: date,
    copies: Sequence[Copied],
    without: Sequence[tuple[Any, ...]],
    calls: tuple[int, int],
    listed: _Listed,
    final_at: datetime | None,
) -> DayLines:
    states = dict.fromkeys(("verified", "pending", "failed", "gone", "excluded"), 0)
    below: list[dict[str, Value]] = []
    closed = size = late = elsewhere = 0
    for copy in copies:
        line = lines.of_copy(copy, here=copy.bucket_id == subject.bucket_id)
        below.append(line)
        if copy.bucket_id != subject.bucket_id:
            elsewhere += 1
            continue
        states[copy.state] += 1
        closed += "closed" in line and copy.state in ("failed", "gone")
        size += (copy.size or 0) if copy.state == "verified" else 0
        late += final_at is not None and copy.created > canonical.microsecond(final_at)
    for call_id, started_at, closed_at in without:
        closed += closed_at is not None
        below.append(lines.without_recording(call_id, started_at, closed_at))
    below.sort(key=lines.order)
    discovered, explained = sum(states.values()), states["excluded"] + closed
    unaccounted = discovered + len(without) - states["verified"] - explained
    final = final_at is not None or listed.final
    line = canonical.known(
        {
            "calls": {"listed": calls[0], "recorded": calls[1], "without_recording": len(without)},
            "copies": {**states, "discovered": discovered, "erased": 0},
            "day": day.isoformat(),
            "elsewhere": elsewhere,
            "explained": explained,
            "late": late,
            "lines": len(below),
            "listed_at": canonical.second(listed.at) if listed.at else None,
            "open": unaccounted,
            "state": "final" if final else "provisional",
            "unread": listed.unread or None,
            "verdict": "unlisted" if listed.at is None else "incomplete" if unaccounted else "complete",
        }
    )
    written = b"".join(map(canonical.line, below))
    made = DayLines(day, line, written, verified=states["verified"], explained=explained, open=unaccounted, size=size)
    if discovered + len(without) + elsewhere != len(below) or unaccounted < 0:
        raise InternalFault(f"the sums of target {subject.target_id} on {day} do not agree")
    return made
