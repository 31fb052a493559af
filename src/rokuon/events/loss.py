"""Loss: recorded calls without an event, which only a listing found (M8). It reads two other packages' tables, `ledger_call` and
`org_target`, so it uses plain SQL and no import."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from .inbox import KEPT

MAY_STILL_COME = timedelta(minutes=1)
"""An event arrives within seconds of its call's end; a sweep may be faster."""


@dataclass(frozen=True, slots=True)
class Loss:
    """`lost` of `calls` were found without an event."""

    calls: int
    lost: int


def loss(company_id: int, since: datetime, until: datetime) -> Loss:
    """Count the loss among recorded calls of backed-up targets that started in [since, until); a call of two targets counts once.

    `until` is about now: hints are deleted after `inbox.KEPT`, so calls that started longer than that before `until` do not count; nor do
    calls of the last minute, nor calls from before the webhook was registered. Loss(0, 0) if it never was.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (
                          SELECT 1 FROM events_hint h WHERE h.company_id = %(company)s AND h.call_id = c.call_id))
                 FROM (SELECT DISTINCT call_id FROM ledger_call
                        WHERE target_id = ANY(ARRAY(SELECT id FROM org_target WHERE company_id = %(company)s AND backed_up))
                          AND was_recorded AND started_at >= %(since)s AND started_at < %(until)s
                          AND started_at >= (SELECT since FROM events_hook WHERE company_id = %(company)s)) AS c""",
            {"company": company_id, "since": max(since, until - KEPT), "until": until - MAY_STILL_COME},
        )
        calls, lost = cursor.fetchone()
    return Loss(calls, lost)
