"""Recorded calls outside every rule, counted by UTC day and line: no row for a call.

A window counts its calls while it moves its resume mark, so a repeated job counts none twice. At its end its figures replace those of its
whole days in one transaction, so a day's figures are always those of one listing from end to end.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from rokuon.domain import windows
from rokuon.domain.outside import LineKind, OutsideCall

from .models import Window
from .outside_models import OutsideSoFar
from .sql import columns, execute, fetch, ms

NAME_LENGTH = 200

KEPT_BEFORE_DAYS = 31
"""Figures are kept for two years, which is what pages show, and so many days: in no zone a shown day is deleted."""


@dataclass(frozen=True, slots=True)
class LineCount:
    """A line with its recorded calls outside every rule, over some days. `name` is as last listed."""

    kind: LineKind
    id: str
    name: str
    calls: int
    recordings: int


@dataclass(frozen=True, slots=True)
class KnownDays:
    """The UTC days that are listed from end to end for the whole company: how many, the first and the last (None without any)."""

    days: int
    first: date | None
    last: date | None


def lock_mark(window_id: int) -> int:
    """Return the window's resume mark, and lock the window: no other job moves the mark in this transaction. If the mark is still at the
    window's end, the listing begins, and figures of an earlier one are deleted."""
    window = Window.objects.select_for_update().only("before", "listed_down_to").filter(pk=window_id).first()
    if window is None:
        return 0
    if window.listed_down_to == window.before:
        OutsideSoFar.objects.filter(window=window).delete()
    return ms(window.listed_down_to)


def enter(window_id: int, mark_ms: int, calls: Sequence[OutsideCall]) -> None:
    """Add the calls of a page to the window's figures. Calls that started at or after `mark_ms`, the resume mark before this page, are left
    out: the page that moved it there has added them."""
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    names: dict[tuple[str, str, str], str] = {}
    for call in calls:
        if call.started_ms < mark_ms:
            line = (windows.day_of(call.started_ms).isoformat(), call.line.kind.value, call.line.id)
            sums[line][0] += not call.again
            sums[line][1] += call.recordings
            names[line] = names.get(line) or call.line.name[:NAME_LENGTH]
    if not sums:
        return
    rows = [(*line, names[line], *sums[line]) for line in sorted(sums)]
    execute(
        """INSERT INTO ledger_outsidesofar AS o (window_id, day, kind, line_id, name, calls, recordings)
           SELECT %s, d, k, i, n, c, r
             FROM unnest(%s::date[], %s::text[], %s::text[], %s::text[], %s::int[], %s::int[]) AS x(d, k, i, n, c, r)
               ON CONFLICT (window_id, day, kind, line_id) DO UPDATE
              SET calls = o.calls + EXCLUDED.calls, recordings = o.recordings + EXCLUDED.recordings,
                  name = COALESCE(NULLIF(o.name, ''), EXCLUDED.name)""",
        [window_id, *columns(rows, 6)],
    )


@transaction.atomic
def publish(company_id: int, window_id: int, days: Sequence[date], fingerprint: str, listed_at: datetime, now: datetime) -> None:
    """Replace the figures of these days by those of the window, which has listed them from end to end for the whole company with these
    options, unless a run that started later, or this one, has done so."""
    renewed = fetch(
        """INSERT INTO ledger_outsideday AS o (company_id, day, fingerprint, listed_at, published_at)
           SELECT %s, d, %s, %s, %s FROM unnest(%s::date[]) AS x(d) ORDER BY d
               ON CONFLICT (company_id, day) DO UPDATE
              SET fingerprint = EXCLUDED.fingerprint, listed_at = EXCLUDED.listed_at, published_at = EXCLUDED.published_at
            WHERE o.listed_at < EXCLUDED.listed_at
        RETURNING day""",
        [company_id, fingerprint, listed_at, now, [*days]],
    )
    mine = [day for (day,) in renewed]
    execute("DELETE FROM ledger_outsidecount WHERE company_id = %s AND day = ANY(%s)", [company_id, mine])
    execute(
        """INSERT INTO ledger_outsidecount (company_id, day, kind, line_id, name, calls, recordings)
           SELECT %s, day, kind, line_id, name, calls, recordings FROM ledger_outsidesofar WHERE window_id = %s AND day = ANY(%s)""",
        [company_id, window_id, mine],
    )


def tidy(company_id: int, now: datetime) -> None:
    """Delete the unfinished figures of windows that have ended, and the figures of days that no page shows any more."""
    execute(
        """DELETE FROM ledger_outsidesofar s USING ledger_window w, ledger_run r
            WHERE w.id = s.window_id AND r.id = w.run_id AND r.company_id = %s AND w.state IN ('done', 'failed')""",
        [company_id],
    )
    first = windows.two_years_before(windows.day_of(ms(now))) - timedelta(days=KEPT_BEFORE_DAYS)
    # The day first, as `publish` does, so that no deadlock occurs.
    execute("DELETE FROM ledger_outsideday WHERE company_id = %s AND day < %s", [company_id, first])
    execute("DELETE FROM ledger_outsidecount WHERE company_id = %s AND day < %s", [company_id, first])


def by_line(company_id: int, since: date, until: date, fingerprint: str) -> list[LineCount]:
    """Return the lines with calls of those of these UTC days, both included, that are known; the most recordings first."""
    rows = fetch(
        """WITH sums AS (SELECT kind, line_id, sum(calls) AS calls, sum(recordings) AS recordings,
                                max(day) FILTER (WHERE name <> '') AS named
                           FROM ledger_outsidecount JOIN ledger_outsideday d USING (company_id, day)
                          WHERE company_id = %(company)s AND day BETWEEN %(since)s AND %(until)s AND d.fingerprint = %(how)s
                          GROUP BY kind, line_id)
           SELECT s.kind, s.line_id, n.name, s.calls, s.recordings
             FROM sums s LEFT JOIN ledger_outsidecount n
                    ON n.company_id = %(company)s AND n.day = s.named AND n.kind = s.kind AND n.line_id = s.line_id
            ORDER BY s.recordings DESC, s.calls DESC, s.kind, s.line_id""",
        {"company": company_id, "since": since, "until": until, "how": fingerprint},
    )
    return [LineCount(LineKind(kind), line, name or "", calls, recordings) for kind, line, name, calls, recordings in rows]


def known_days(company_id: int, since: date, until: date, fingerprint: str) -> KnownDays:
    """Return which of these UTC days, both included, are known: those listed with these options."""
    ((days, first, last),) = fetch(
        "SELECT count(*), min(day), max(day) FROM ledger_outsideday WHERE company_id = %s AND day BETWEEN %s AND %s AND fingerprint = %s",
        [company_id, since, until, fingerprint],
    )
    return KnownDays(days, first, last)
