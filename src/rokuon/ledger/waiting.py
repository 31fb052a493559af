"""Pending copies by reason: those of one run, and those that cannot be tried now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .sql import NAMED_BY_HOLD, STOPPED_BY_PAUSE, fetch


@dataclass(frozen=True, slots=True)
class WaitingCopies:
    """`count` copies with one reason; `ids` are some of their recordings, as the source writes them. `next_at` is None for copies that may
    be in flight."""

    reason: str
    count: int
    ids: tuple[str, ...]
    next_at: datetime | None


def waiting_copies(
    company_id: int, targets: Sequence[int], since: datetime, until: datetime, now: datetime, named: int
) -> Sequence[WaitingCopies]:
    """Return pending copies by reason, of calls that started in [since, until), with at most `named` ids of each reason; the largest number
    first."""
    rows = fetch(
        """SELECT CASE WHEN c.due_at > %(now)s THEN c.reason ELSE '' END AS why, count(*),
                  (array_agg(r.recording_id ORDER BY c.due_at, c.id))[:%(named)s],
                  min(c.due_at) FILTER (WHERE c.due_at > %(now)s)
             FROM ledger_copy c JOIN ledger_recording r ON r.id = c.recording_id
            WHERE c.company_id = %(company)s AND c.target_id = ANY(%(targets)s) AND c.state = 'pending'
              AND c.call_started_at >= %(since)s AND c.call_started_at < %(until)s
            GROUP BY 1 ORDER BY 2 DESC""",
        {"now": now, "named": named, "company": company_id, "targets": list(targets), "since": since, "until": until},
    )
    return [WaitingCopies(reason, count, tuple(ids), next_at) for reason, count, ids, next_at in rows]


PAUSED = "run_paused"
"""Used in place of a reason for copies that wait because a person paused their run."""


@dataclass(frozen=True, slots=True)
class StoppedCopies:
    """`copies` pending copies that cannot be tried now, for one reason ("" for none, or `PAUSED`). `held`: a hold stops them, and `reason`
    is the hold's. The first is tried again at `next_at`; None if that depends on a person."""

    reason: str
    copies: int
    held: bool
    next_at: datetime | None


def stopped(
    company_id: int, targets: Sequence[int], now: datetime, since: datetime | None = None, until: datetime | None = None
) -> list[StoppedCopies]:
    """Return the pending copies of these targets that cannot be tried now, because a hold or a pause stops them or their next try is later,
    the largest number first; only of calls that started in [since, until), if given."""
    rows = fetch(
        f"""SELECT CASE WHEN held.id IS NOT NULL THEN held.reason WHEN p.paused THEN %(pause)s ELSE c.reason END AS why, count(*),
                   held.id IS NOT NULL AS on_hold,
                   min(CASE WHEN held.id IS NOT NULL THEN held.probe_at WHEN NOT p.paused THEN c.due_at END)
              FROM ledger_copy c JOIN ledger_recording r ON r.id = c.recording_id
                   LEFT JOIN LATERAL (SELECT h.id, h.reason, h.probe_at FROM ledger_hold h
                                       WHERE h.lifted_at IS NULL AND {NAMED_BY_HOLD} ORDER BY h.since, h.id LIMIT 1) AS held ON TRUE
                   CROSS JOIN LATERAL (SELECT ({STOPPED_BY_PAUSE}) AS paused) AS p
             WHERE c.company_id = %(company)s AND c.state = 'pending' AND c.target_id = ANY(%(targets)s)
               AND (%(since)s::timestamptz IS NULL OR c.call_started_at >= %(since)s)
               AND (%(until)s::timestamptz IS NULL OR c.call_started_at < %(until)s)
               AND (c.due_at > %(now)s OR held.id IS NOT NULL OR p.paused)
             GROUP BY 1, 3 ORDER BY 2 DESC, 1""",  # noqa: S608 (constant pieces)
        {"company": company_id, "targets": list(targets), "now": now, "since": since, "until": until, "pause": PAUSED},
    )
    return [StoppedCopies(*row) for row in rows]
