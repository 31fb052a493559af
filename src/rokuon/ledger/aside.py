"""What could not be proven and was kept beside the recordings: which copies have some, and a person's word on it."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import transaction

from rokuon.domain.copies import Cause, State
from rokuon.domain.work import Outcome

from . import transitions
from .models import Aside, Closing
from .sql import columns, execute


def enter(outcomes: Sequence[Outcome], now: datetime) -> None:
    """Note what was kept aside. The object is there, so it is noted whatever became of the outcome."""
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
    """The latest that was kept of each of these copies, where anything was."""
    found = Aside.objects.filter(copy_id__in=copies).order_by("copy_id", "-at", "-pk").distinct("copy_id")
    return {one.copy_id: one for one in found}


@transaction.atomic
def accept(company_id: int, ids: Sequence[int], by: str, now: datetime) -> list[int]:
    """Take the latest that was kept of each of these copies for the recording, where they failed or are gone; the copies that are due now.

    A worker then reads it, creates it under the copy's own key, and records the proof "accepted".
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
