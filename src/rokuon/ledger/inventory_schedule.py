"""When a bucket's next inventory is due: daily, weekly for more than 2 million objects, and later after a failure, which is kept."""

from datetime import datetime, timedelta

from django.db.models import F

from .inventory_models import InventoryPass, InventorySchedule
from .sql import fetch

MANY = 2_000_000
DAILY, WEEKLY = timedelta(days=1), timedelta(days=7)
AGAIN_AFTER_S = (300, 900, 3600, 3 * 3600, 6 * 3600)
"""Waits after a failed attempt; the last one repeats."""


def of_bucket(bucket_id: int) -> InventorySchedule | None:
    return InventorySchedule.objects.filter(bucket_id=bucket_id).first()


def deletes_after(bucket_id: int) -> timedelta | None:
    """Return the age at which the bucket's own rule deletes objects; None if that is not known."""
    found = of_bucket(bucket_id)
    return timedelta(days=found.deletes_after_days) if found is not None and found.deletes_after_days else None


def declare(bucket_id: int, days: int | None, by: str, now: datetime) -> None:
    """Keep what a person declared about the bucket's own rule; None takes it back."""
    InventorySchedule.objects.get_or_create(bucket_id=bucket_id, defaults={"due_at": now})
    InventorySchedule.objects.filter(bucket_id=bucket_id).update(deletes_after_days=days, declared_by=by, declared_at=now)


def every(objects: int) -> timedelta:
    return DAILY if objects <= MANY else WEEKLY


def ended(one: InventoryPass, now: datetime) -> None:
    """Set the time of the next pass after one that has ended."""
    due_at = max(now, one.started_at + every(max(one.objects_seen, one.verified)))
    InventorySchedule.objects.get_or_create(bucket_id=one.bucket_id, defaults={"due_at": due_at})
    InventorySchedule.objects.filter(bucket_id=one.bucket_id).update(due_at=due_at, tries=0, reason="", detail="")


def failed(bucket_id: int, reason: str, detail: str, now: datetime) -> None:
    """Set the time of the next try after an attempt that ended early. The pass resumes where it was."""
    InventorySchedule.objects.get_or_create(bucket_id=bucket_id, defaults={"due_at": now})
    tries = InventorySchedule.objects.values_list("tries", flat=True).get(bucket_id=bucket_id)
    wait = timedelta(seconds=AGAIN_AFTER_S[min(tries, len(AGAIN_AFTER_S) - 1)])
    InventorySchedule.objects.filter(bucket_id=bucket_id).update(
        tries=F("tries") + 1, reason=reason, detail=detail[:500], due_at=now + wait
    )


def due_buckets(now: datetime) -> list[int]:
    """Return the buckets whose inventory is due: verified ones in which recordings were verified, that are not held, and whose company has
    no Back up now that is still running: that one needs the requests."""
    rows = fetch(
        """SELECT b.id FROM org_bucket b LEFT JOIN ledger_inventoryschedule s ON s.bucket_id = b.id
            WHERE b.identity <> '' AND b.verified_at IS NOT NULL AND (s.due_at IS NULL OR s.due_at <= %(now)s)
              AND EXISTS (SELECT 1 FROM ledger_copy c WHERE c.bucket_id = b.id AND c.state = 'verified')
              AND NOT EXISTS (SELECT 1 FROM ledger_hold h WHERE h.lifted_at IS NULL AND h.on = 'bucket' AND h.ref = b.id::text)
              AND NOT EXISTS (SELECT 1 FROM ledger_run u
                               WHERE u.company_id = b.company_id AND u.purpose = 'backup_now' AND u.state = 'running')
            ORDER BY b.id""",
        {"now": now},
    )
    return [row[0] for row in rows]
