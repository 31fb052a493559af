"""A person's retry: send chosen copies that failed, are gone, or wait for a later try back to pending.

Their count of tries is reset, and they are fetched from Dialpad again, even if audio kept aside was accepted before.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from rokuon.domain.copies import Cause, State

from . import transitions
from .models import Closing
from .sql import CLOSED


@transaction.atomic
def retry(
    company_id: int,
    now: datetime,
    *,
    ids: Sequence[int] | None = None,
    reason: str | None = None,
    gone: bool = False,
    closed: bool = False,
) -> list[int]:
    """Return the ids of the copies that are due now. `ids` and `reason` narrow the choice; `gone` includes copies that are gone.

    `closed` includes closed copies and re-opens them; without it closed copies stay closed, also those that are closed at the same time.
    """
    chosen = transitions.locked(
        """c.company_id = %(company)s AND (%(ids)s::bigint[] IS NULL OR c.id = ANY(%(ids)s))
           AND (%(reason)s::text IS NULL OR c.reason = %(reason)s)
           AND (c.state = 'failed' OR (c.state = 'gone' AND %(gone)s)
                OR (c.state = 'pending' AND c.reason <> '' AND c.due_at > %(now)s))""",
        {"company": company_id, "ids": list(ids) if ids is not None else None, "reason": reason, "gone": gone, "now": now},
    )
    which = f"c.id = ANY(%(ids)s) AND (%(closed)s OR NOT {CLOSED})"
    due = transitions.change(State.PENDING, Cause.RETRY, which, {"ids": chosen, "closed": closed}, now)
    Closing.objects.filter(copy__in=due).delete()
    transitions.read_from_source(due)
    return due
