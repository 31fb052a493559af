"""Expiring copies: not in a bucket yet, and about to leave the access window (`domain.expiry`), or past it (M8).

A recording leaves at the start of its call + the window (`org.Company.access_window_days`). Pending and failed copies count, because both
can still be fetched until then. Copies that a person has explained do not count, nor do `gone` and `excluded`: nothing can be saved there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from rokuon.domain import expiry

from .sql import at, fetch, ms

SOON = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Expiring:
    """Copies of one target: `expiring` leave soon, the first at `first_deadline` (None for none); `expired` have left already."""

    expiring: int
    expired: int
    first_deadline: datetime | None


def past_of(company_id: int, now: datetime) -> datetime | None:
    """Return the time at or before which calls have left the company's access window; None if it has no access window."""
    ((days,),) = fetch("SELECT access_window_days FROM org_company WHERE id = %s", [company_id])
    return None if days is None else at(expiry.past_ms(ms(now), days))


def expiring(company_id: int, window_days: int, now: datetime, within: timedelta = SOON) -> dict[int, Expiring]:
    """Count, by target with any, copies that leave in (now, now + within] and copies that have left. Reads unprotected copies only."""
    window = timedelta(days=window_days)
    # Explained copies are subtracted, not filtered out, so that unprotected copies are counted in the index alone.
    rows = fetch(
        """WITH explained AS (
               SELECT c.id, c.target_id, c.call_started_at
                 FROM ledger_closing k JOIN ledger_copy c ON c.id = k.copy_id
                WHERE c.company_id = %(company)s AND c.state = 'failed' AND k.at >= c.changed_at AND c.call_started_at <= %(until)s),
           counted AS (
               SELECT c.target_id, 1 AS sign, c.call_started_at
                 FROM ledger_copy c
                WHERE c.target_id = ANY(ARRAY(SELECT id FROM org_target WHERE company_id = %(company)s))
                  AND c.state IN ('pending', 'failed') AND c.call_started_at <= %(until)s
                UNION ALL
               SELECT target_id, -1, call_started_at FROM explained)
           SELECT n.target_id, n.expiring, n.expired,
                  (SELECT c.call_started_at FROM ledger_copy c
                    WHERE c.target_id = n.target_id AND c.state IN ('pending', 'failed') AND n.expiring > 0
                      AND c.call_started_at > %(past)s AND c.id NOT IN (SELECT id FROM explained)
                    ORDER BY c.call_started_at LIMIT 1)
             FROM (SELECT target_id, COALESCE(sum(sign) FILTER (WHERE call_started_at > %(past)s), 0)::int AS expiring,
                          COALESCE(sum(sign) FILTER (WHERE call_started_at <= %(past)s), 0)::int AS expired
                     FROM counted GROUP BY 1) AS n
            WHERE n.expiring > 0 OR n.expired > 0""",
        {"company": company_id, "past": now - window, "until": now - window + within},
    )
    return {target: Expiring(soon, past, first + window if first else None) for target, soon, past, first in rows}
