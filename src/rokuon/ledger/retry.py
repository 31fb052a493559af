"""Send chosen copies back to pending because a person asked: those that failed, are gone, or wait for a later try."""

from collections.abc import Sequence
from datetime import datetime

from .sql import fetch


def retry(company_id: int, now: datetime, *, ids: Sequence[int] | None = None, reason: str | None = None, gone: bool = False) -> list[int]:
    """The ids of the copies that are due now. `ids` and `reason` narrow the choice; `gone` takes in those that Dialpad no longer has."""
    rows = fetch(
        """UPDATE ledger_copy SET state = 'pending', attempt = attempt + 1, due_at = %(now)s, reason = '', detail = '', tries = 0,
                  negatives = 0, first_negative_at = NULL, changed_at = %(now)s
            WHERE company_id = %(company)s AND (%(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s))
              AND (%(reason)s::text IS NULL OR reason = %(reason)s)
              AND (state = 'failed' OR (state = 'gone' AND %(gone)s) OR (state = 'pending' AND reason <> '' AND due_at > %(now)s))
        RETURNING id""",
        {"now": now, "company": company_id, "ids": list(ids) if ids is not None else None, "reason": reason, "gone": gone},
    )
    return [row[0] for row in rows]
