"""When a bucket is sealed next: once a day, after a Back up now, and later after a failure, which is kept with its reason."""

from datetime import datetime, timedelta

from django.db.models import F

from rokuon.ledger.sql import fetch

from .models import Schedule

EVERY = timedelta(hours=24)
AGAIN_AFTER_S = (300, 900, 3600, 3 * 3600, 6 * 3600)
"""Waits after a failed issue; the last one repeats."""


def at_once(bucket_id: int, now: datetime) -> None:
    """Make the next issue due now, and forget failures."""
    _set(bucket_id, now)


def succeeded(bucket_id: int, now: datetime, *, more: bool) -> None:
    """Set the time of the next issue: tomorrow, or at once if days still wait."""
    _set(bucket_id, now if more else now + EVERY)


def _set(bucket_id: int, due_at: datetime) -> None:
    values = {"due_at": due_at, "tries": 0, "reason": "", "detail": ""}
    Schedule.objects.update_or_create(bucket_id=bucket_id, defaults=values)


def failed(bucket_id: int, reason: str, detail: str, now: datetime) -> None:
    """Set the time of the next try after a failure. It begins no chain: a ledger that is behind has to stay without the one it lacks."""
    Schedule.objects.get_or_create(bucket_id=bucket_id, defaults={"due_at": now})
    tries = Schedule.objects.values_list("tries", flat=True).get(bucket_id=bucket_id)
    wait = timedelta(seconds=AGAIN_AFTER_S[min(tries, len(AGAIN_AFTER_S) - 1)])
    Schedule.objects.filter(bucket_id=bucket_id).update(tries=F("tries") + 1, reason=reason, detail=detail[:500], due_at=now + wait)


def due_buckets(now: datetime) -> list[int]:
    """Return the buckets whose next issue is due: each once a day, and after a Back up now. A held bucket waits, and one
    that never had a recording or a day gets no first seal: it may still be removed."""
    return [
        row[0]
        for row in fetch(
            """SELECT b.id FROM org_bucket b LEFT JOIN custody_schedule s ON s.bucket_id = b.id
                 LEFT JOIN custody_sealchain n ON n.bucket_id = b.id AND n.closed_at IS NULL
                WHERE b.identity <> '' AND b.verified_at IS NOT NULL
                  AND NOT EXISTS (SELECT 1 FROM ledger_hold h WHERE h.lifted_at IS NULL AND h.on = 'bucket' AND h.ref = b.id::text)
                  AND (n.id IS NOT NULL OR EXISTS (SELECT 1 FROM ledger_copy c WHERE c.bucket_id = b.id)
                       OR EXISTS (SELECT 1 FROM custody_waiting w WHERE w.bucket_id = b.id))
                  AND CASE WHEN s.id IS NULL
                           THEN EXISTS (SELECT 1 FROM custody_dirty x JOIN org_target t ON t.id = x.target_id
                                         WHERE t.company_id = b.company_id)
                                OR EXISTS (SELECT 1 FROM custody_waiting w WHERE w.bucket_id = b.id)
                           ELSE s.due_at <= %(now)s
                                OR (s.tries = 0 AND EXISTS (
                                       SELECT 1 FROM ledger_run u
                                        WHERE u.company_id = b.company_id AND u.purpose = 'backup_now' AND u.state = 'finished'
                                          AND u.finished_at > COALESCE((SELECT max(i.at) FROM custody_issue i WHERE i.chain_id = n.id),
                                                                       n.started_at))) END
                ORDER BY b.id""",
            {"now": now},
        )
    ]
