"""Run an inventory for a person, close its findings, and declare a bucket's own rule, with entries in the audit log."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction

from rokuon.accounts.audit import Actor
from rokuon.domain.ports import Jobs
from rokuon.ledger import inventory_findings, inventory_schedule
from rokuon.ledger.inventory_models import InventoryPass
from rokuon.org.models import Bucket
from rokuon.runtime.installation import Installation
from rokuon.wiring.connections import Connections, connected
from rokuon.wiring.inventory import InventoryRunner

from ._shared import record


def run_inventory(
    installation: Installation,
    bucket: Bucket,
    jobs: Jobs,
    actor: Actor,
    clock: Callable[[], datetime],
    told: Callable[[InventoryPass], None],
    *,
    accepts_missing: bool = False,
) -> None:
    """Resume the bucket's open inventory, or begin one, and run it to its end. `told` is called after each page, on the event loop.

    Raises the failure that ended it early; InventoryStopped and others if the bucket is in doubt. With `accepts_missing` no number of
    missing recordings puts the bucket in doubt.
    """
    if accepts_missing:
        with transaction.atomic():
            record(actor, "inventory.accept", bucket.company, clock(), ("bucket", bucket.pk, bucket.url))

    async def work(connections: Connections) -> None:
        await InventoryRunner(connections, jobs, clock, told=told).run(bucket.pk, actor.name, accepts_missing=accepts_missing)

    connected(installation, clock(), work)


@transaction.atomic
def close_findings(bucket: Bucket, ids: Sequence[int], note: str, actor: Actor, now: datetime) -> int:
    """Close open findings about objects without a recording, and about the bucket, as explained; return their number."""
    closed = inventory_findings.close(bucket.pk, ids, note, actor.name, now)
    if closed:
        record(actor, "inventory.close", bucket.company, now, ("bucket", bucket.pk, bucket.url), {"findings": closed, "note": note})
    return len(closed)


@transaction.atomic
def reopen_findings(bucket: Bucket, ids: Sequence[int], actor: Actor, now: datetime) -> int:
    """Take back the closings of findings; return their number."""
    opened = inventory_findings.reopen(bucket.pk, ids)
    if opened:
        record(actor, "inventory.reopen", bucket.company, now, ("bucket", bucket.pk, bucket.url), {"findings": sorted(ids)})
    return opened


@transaction.atomic
def declare_rule(bucket: Bucket, days: int | None, actor: Actor, now: datetime) -> None:
    """Keep at which age the bucket's own rule deletes objects; None if it deletes nothing."""
    before = inventory_schedule.of_bucket(bucket.pk)
    inventory_schedule.declare(bucket.pk, days, actor.name, now)
    was = {"deletes_after_days": before.deletes_after_days if before is not None else None}
    record(actor, "bucket.declare", bucket.company, now, ("bucket", bucket.pk, bucket.url), {"deletes_after_days": days}, was)
