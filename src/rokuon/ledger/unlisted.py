"""Gaps: wanted UTC days of targets that are not listed from end to end, and the reason.

A target whose days are all covered costs one count; single days are read only for the others.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from rokuon.domain import windows
from rokuon.domain.failures import DaysListedOtherwise, DaysNeverListed, Decision, leaves

from .models import Hold, Window
from .sql import fetch, ms

MOST_GAPS = 5_000
RUNS_LOOKED_AT = 30
"""The number of latest Back up now runs, and of latest sweeps, that are read. Days that older runs could not list were tried again since,
or no person has requested them."""

COMING = ""
"""The reason of days that an open run will list."""

Days = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Gap:
    """Adjacent UTC days of a target, both ends included, that are not listed for the same reason: a reason code, or `COMING`."""

    target_id: int
    first: date
    last: date
    reason: str

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Shortage:
    """For one target: `listed` of the `wanted` days are listed from end to end with the current fingerprint."""

    wanted: int
    listed: int


def shortages(wanted: Mapping[int, Days], fingerprint: str) -> dict[int, Shortage]:
    """Return the targets whose wanted days, both ends included, are not all listed; the others are left out."""
    rows = fetch(
        """SELECT w.target, w.last - w.first + 1, n.days
             FROM unnest(%s::bigint[], %s::date[], %s::date[]) AS w(target, first, last),
                  LATERAL (SELECT count(*) AS days FROM ledger_coverage c
                            WHERE c.target_id = w.target AND c.day BETWEEN w.first AND w.last AND c.fingerprint = %s) AS n
            WHERE n.days < w.last - w.first + 1""",
        [*_columns(wanted), fingerprint],
    )
    return {target: Shortage(days, listed) for target, days, listed in rows}


def gaps(company_id: int, wanted: Mapping[int, Days], fingerprint: str) -> list[Gap]:
    """Return the ranges of wanted days that are not listed, the newest first; at most about `MOST_GAPS`."""
    rows = fetch(
        """WITH wanted AS (SELECT * FROM unnest(%s::bigint[], %s::date[], %s::date[]) AS w(target, first, last)),
                edges AS (
                    SELECT w.target, c.day FROM wanted w
                      JOIN ledger_coverage c ON c.target_id = w.target AND c.day BETWEEN w.first AND w.last AND c.fingerprint = %s
                    UNION ALL SELECT target, first - 1 FROM wanted
                    UNION ALL SELECT target, last + 1 FROM wanted),
                steps AS (SELECT target, day, lead(day) OVER (PARTITION BY target ORDER BY day) AS next FROM edges)
           SELECT target, day + 1, next - 1,
                  (SELECT count(*) FROM ledger_coverage o WHERE o.target_id = s.target AND o.day > s.day AND o.day < s.next)
             FROM steps s WHERE next > day + 1 ORDER BY next DESC, target LIMIT %s""",
        [*_columns(wanted), fingerprint, MOST_GAPS],
    )
    found: list[Gap] = []
    attempts = _attempts(company_id, wanted.keys())
    for target, first, last, otherwise in rows:
        gap = Gap(target, first, last, DaysNeverListed.reason)
        if otherwise == gap.days:
            gap = replace(gap, reason=DaysListedOtherwise.reason)
        found += _explained(gap, attempts[target])
    return found


def _columns(wanted: Mapping[int, Days]) -> tuple[list[int], list[date], list[date]]:
    return list(wanted), [first for first, _last in wanted.values()], [last for _first, last in wanted.values()]


def _attempts(company_id: int, targets: Collection[int]) -> dict[int, list[tuple[date, date, str]]]:
    """Return, by target, the days that the latest runs could not list, with the reason, or will list; the newest window first.

    While a hold stops the source, windows that are waiting and windows with a temporary fault wait for the end of the hold.
    """
    rows = fetch(
        """SELECT w.after, w.before, w.targets, w.state, w.reason
             FROM ((SELECT id FROM ledger_run WHERE company_id = %(company)s AND purpose = 'backup_now' ORDER BY id DESC LIMIT %(runs)s)
                   UNION ALL
                   (SELECT id FROM ledger_run WHERE company_id = %(company)s AND purpose <> 'backup_now' ORDER BY id DESC LIMIT %(runs)s)
                  ) AS r JOIN ledger_window w ON w.run_id = r.id
            WHERE w.state = ANY(%(open)s) OR (w.state = 'failed' AND w.reason <> 'run_cancelled') ORDER BY w.id DESC""",
        {
            "company": company_id,
            "runs": RUNS_LOOKED_AT,
            "open": [Window.State.WAITING, Window.State.QUEUED, Window.State.PAUSED],
        },
    )
    held = Hold.objects.filter(company_id=company_id, on=Hold.On.SOURCE, lifted_at=None).exists()
    # Days that a hold stops are not finally refused: they are listed when the hold lifts, and the hold has its own notice.
    stopped = {Decision.HOLD, Decision.AFTER} if held else {Decision.HOLD}
    refusals, ours = {leaf.reason for leaf in leaves() if leaf.decision not in stopped}, set(targets)
    found: dict[int, list[tuple[date, date, str]]] = defaultdict(list)
    for after, before, listed_for, state, reason in rows:
        waits = held and state != Window.State.FAILED
        days = (windows.day_of(ms(after)), windows.day_of(ms(before) - 1), reason if reason in refusals and not waits else COMING)
        for target in ours.intersection(json.loads(listed_for)):
            found[target].append(days)
    return found


def _explained(gap: Gap, attempts: Sequence[tuple[date, date, str]]) -> Iterator[Gap]:
    """Yield the gap in parts, each with the reason of the newest attempt at it."""
    left = [gap]
    for first, last, reason in attempts:
        rest = []
        for part in left:
            if last < part.first or first > part.last:
                rest.append(part)
                continue
            yield replace(part, first=max(first, part.first), last=min(last, part.last), reason=reason)
            if part.first < first:
                rest.append(replace(part, last=first - timedelta(days=1)))
            if part.last > last:
                rest.append(replace(part, first=last + timedelta(days=1)))
        left = rest
        if not left:
            return
    yield from left
