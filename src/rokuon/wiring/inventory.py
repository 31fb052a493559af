"""One inventory of a bucket, for a worker's job and for a person's command: its dependencies, and what follows from its end."""

import logging
import uuid
from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from rokuon.custody import chains, names
from rokuon.domain.failures import (
    BucketObjectsMissing,
    BucketReplaced,
    BucketUnmarked,
    ConfigError,
    HoldOn,
    InternalFault,
    InventoryStopped,
    RokuonError,
)
from rokuon.domain.ports import Jobs, Store
from rokuon.inventory.run_pass import PassContext, PassEnd, run_pass
from rokuon.ledger import holds, inventory_passes, inventory_schedule, runs
from rokuon.ledger.inventory_models import InventoryPass
from rokuon.org.models import Bucket

from .connections import Connections

log = logging.getLogger(__name__)

IN_DOUBT = (InventoryStopped, BucketUnmarked, BucketReplaced, BucketObjectsMissing)
"""These say that the bucket is not what it was: nothing may be concluded of a single recording."""

WORKER = ""
"""By whom a pass is that no person began."""


def nothing(one: InventoryPass) -> None:
    """What is done after each page if nobody watches."""


class InventoryRunner:
    """Runs one bucket's inventory. `told` is called after each page, on the event loop: it must not ask the database."""

    def __init__(
        self,
        connections: Connections,
        jobs: Jobs,
        clock: Callable[[], datetime],
        time_up: Callable[[], bool] = lambda: False,
        told: Callable[[InventoryPass], None] = nothing,
    ) -> None:
        self._connections, self._jobs, self._clock, self._time_up, self._told = connections, jobs, clock, time_up, told

    async def try_to_run(self, bucket_id: int) -> PassEnd:
        """Run the inventory, as a job: a failure is entered with the time of the next try, also a fault of our own."""
        try:
            return await self.run(bucket_id, WORKER)
        except RokuonError as error:
            log.warning("inventory_failed", extra={"bucket": bucket_id, "reason": error.reason, "detail": error.detail})
        except Exception:
            trace = uuid.uuid4().hex[:12]
            log.exception("inventory_crashed", extra={"bucket": bucket_id, "trace": trace})
            await self._connections.db(inventory_schedule.failed, bucket_id, InternalFault.reason, f"trace {trace}", self._clock())
        return PassEnd.DONE

    async def run(self, bucket_id: int, by: str, *, accepts_missing: bool = False) -> PassEnd:
        """Resume the bucket's open pass, or begin one, and run it until it ends or its time is up.

        Raises the failure that ended it early, which the schedule keeps; if the bucket is in doubt, the pass is stopped and the bucket is
        held. A pass that finishes lifts that hold.
        """
        db = self._connections.db
        company_id = await db(_company_of, bucket_id)
        one = await db(inventory_passes.begin, company_id, bucket_id, by, self._clock(), accepts_missing=accepts_missing)
        try:
            end = await run_pass(one, await self._context(bucket_id))
        except IN_DOUBT as doubt:
            await db(self._stop, one.pk, doubt)
            raise
        except RokuonError as error:
            if not isinstance(error, ConfigError):
                await db(inventory_schedule.failed, bucket_id, error.reason, error.detail, self._clock())
            raise
        if end is PassEnd.DONE:
            await db(self._end, one.pk)
        return end

    async def _context(self, bucket_id: int) -> PassContext:
        db = self._connections.db

        async def recognise() -> Store:
            self._connections.forget_store(bucket_id)
            return await self._connections.store(bucket_id)

        async def call(function: Callable[..., object], /, *arguments: object) -> object:
            return await db(function, *arguments)

        known = await db(chains.known_seals, bucket_id)
        head = [names.seal(known.chain, known.head)] if known.chain and known.head else []
        return PassContext(
            db=call,
            recognise=recognise,
            clock=self._clock,
            must_exist=head,
            deletes_after=await db(inventory_schedule.deletes_after, bucket_id),
            time_up=self._time_up,
            told=self._told,
        )

    @transaction.atomic
    def _stop(self, pass_id: int, doubt: RokuonError) -> None:
        now = self._clock()
        stopped = inventory_passes.stop(pass_id, doubt.reason, doubt.detail, now)
        if stopped is not None:
            inventory_schedule.ended(stopped, now)
            ref = str(stopped.bucket_id)
            if isinstance(doubt, InventoryStopped) and not holds.is_open(stopped.company_id, HoldOn.BUCKET, ref, doubt.reason):
                # A probe would lift a hold for another reason.
                holds.lift(stopped.company_id, HoldOn.BUCKET, ref, now)
            holds.open_hold(stopped.company_id, HoldOn.BUCKET, ref, doubt.reason, doubt.detail, now)
            log.warning("inventory_stopped", extra={"bucket": stopped.bucket_id, "reason": doubt.reason, "detail": doubt.detail})

    @transaction.atomic
    def _end(self, pass_id: int) -> None:
        now = self._clock()
        one = inventory_passes.finish(pass_id, now)
        if one is None:
            return
        ref = str(one.bucket_id)
        inventory_schedule.ended(one, now)
        if holds.is_open(one.company_id, HoldOn.BUCKET, ref, InventoryStopped.reason):
            holds.lift(one.company_id, HoldOn.BUCKET, ref, now)
            runs.queue_windows(one.company_id, now, self._jobs.enqueue_window)
            self._jobs.enqueue_due(one.company_id)
        log.info("inventory_finished", extra={"bucket": one.bucket_id, "pass": one.pk, "objects": one.objects_seen})


def _company_of(bucket_id: int) -> int:
    return Bucket.objects.values_list("company_id", flat=True).get(pk=bucket_id)
