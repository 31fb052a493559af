"""Unproven audio that was kept aside: the copies that have some, and a person's acceptance of it."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction

from rokuon.domain.copies import Cause, State
from rokuon.domain.work import Outcome

from . import transitions
from .models import Aside, Closing
from .sql import columns, execute


def enter(outcomes: Sequence[Outcome], now: datetime) -> None:
    """Enter what was kept aside. The object exists, so it is entered even if the outcome changed nothing."""
    kept = [(o.copy_id, o.reason, o.aside) for o in outcomes if o.aside is not None]
    rows = sorted((copy, a.key, a.size, a.sha256, a.crc32c, a.content_type, a.looks, reason) for copy, reason, a in kept)
    if rows:
        execute(
            """INSERT INTO ledger_aside (copy_id, key, size, sha256, crc32c, content_type, looks, reason, at)
               SELECT x.*, %s FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::text[],
                                          %s::text[]) AS x
                   ON CONFLICT (copy_id, sha256) DO NOTHING""",
            [now, *columns(rows, 8)],
        )


def of(copies: Collection[int]) -> dict[int, Aside]:
    """Return the latest object kept aside of each of these copies, if there is any."""
    found = Aside.objects.filter(copy_id__in=copies).order_by("copy_id", "-at", "-pk").distinct("copy_id")
    return {one.copy_id: one for one in found}


@transaction.atomic
def accept(company_id: int, ids: Sequence[int], by: str, now: datetime) -> list[int]:
    """Accept the latest object kept aside of each of these copies that failed or are gone. Return the copies that are due now.

    A worker then reads it, stores it under the copy's own key, and records the proof "accepted".
    """
    due = transitions.change(
        State.PENDING,
        Cause.ACCEPT,
        "c.company_id = %(company)s AND c.id = ANY(%(ids)s) AND EXISTS (SELECT 1 FROM ledger_aside a WHERE a.copy_id = c.id)",
        {"company": company_id, "ids": list(ids)},
        now,
    )
    Closing.objects.filter(copy__in=due).delete()
    latest = [one.pk for one in of(due).values()]
    execute("UPDATE ledger_aside SET accepted_by = %s, accepted_at = %s WHERE id = ANY(%s)", [by, now, latest])
    transitions.read_from(latest)
    return due
