"""Pending copies of one run, by reason: for the page of a run and `rokuon runs`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .sql import fetch


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
