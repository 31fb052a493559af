"""Job handlers of a worker process: each reads its facts from the ledger, works, and enters the result.

A job may run twice, be killed at any point, or be lost; the ledger's rows show what is left to do, and the tick queues it again.
"""

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar

from django.db import transaction

from rokuon.backup import source_health
from rokuon.backup.copy import CopyContext
from rokuon.backup.limits import MemoryBudget, TransferLimits
from rokuon.backup.live import back_up_recent
from rokuon.backup.refusals import kind_opens
from rokuon.backup.window import JobContext, JobEnd, work_on_due, work_on_window
from rokuon.domain import windows
from rokuon.domain.failures import (
    BucketAway,
    ConfigError,
    Decision,
    HoldOn,
    InternalFault,
    InventoryStopped,
    LedgerBehindBucket,
    RokuonError,
    SourceAway,
    SourceThrottled,
    SourceUnavailable,
)
from rokuon.domain.ports import JobLedger, Jobs, Source, TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, RecordingKind, Scope, ScopeKind
from rokuon.domain.retry import AFTER_ERROR_S, AWAY_AFTER_TRIES, may_pass_at_once, obeyed_pause, obeyed_wait
from rokuon.inventory.run_pass import PassEnd
from rokuon.ledger import coverage, holds, outside, outside_void, runs, unread
from rokuon.ledger.gateway import Database
from rokuon.ledger.models import Hold, Run, Window
from rokuon.ledger.sql import at, ms
from rokuon.notify import outbox, recipients
from rokuon.notify.recipients import Address
from rokuon.org import services
from rokuon.org.models import Company
from rokuon.runtime.installation import Installation
from rokuon.wiring.connections import Connections
from rokuon.wiring.inventory import InventoryRunner
from rokuon.wiring.ledgers import DueLedger, ProbeLedger, RunWindowLedger
from rokuon.wiring.listed_as import agreed, how_listed
from rokuon.wiring.targets import load_targets
from rokuon.wiring.window_facts import WindowFacts, load_window, sweeps_of_window

from . import custody_issue, fresh_directory, live_path, nightly_dump, sign_in_mails, webhook_upkeep

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

SHARE_S = 60.0
"""A bulk job returns the rest of its work to the queue after this time if another job waits, so that no company occupies all workers.

If none waits, it continues: a job that resumes lists a part again, to know the legs of the conversations at the resume mark."""

GATHER_S = 0.1
"""The events of one conversation arrive shortly after each other. Listing its legs together takes one request of the live lane instead of
two, and makes it possible to assign them."""

BETWEEN_LOOKS_S = 0.25
"""Limits a burst of events to a few lookups a second, instead of one per send slot: a lookup reads and writes up to a thousand hints."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class JobHandlers:
    """Job handlers, shared by the jobs of one process. `clock` returns aware UTC times. Close it at the end."""

    def __init__(self, installation: Installation, jobs: Jobs, *, clock: Callable[[], datetime] = utc_now) -> None:
        config = installation.config
        self._installation = installation
        self.clock = clock
        self.public = config.public
        self.db = Database()
        self._jobs = jobs
        self.connections = Connections(config, installation.vault, self.db, self._now_ms)
        self._limits = TransferLimits(
            spool=config.spool_dir,
            transfers=config.transfers,
            memory=config.memory_budget_bytes,
            largest=config.max_recording_bytes,
        )
        self._memory = MemoryBudget(self._limits.memory)
        self._stopping = False
        self._stop_dump = threading.Event()
        self._crowded = True

    def stop(self) -> None:
        """Make jobs finish the recordings in flight and return the rest to the queue."""
        self._stopping = True
        self._stop_dump.set()

    async def close(self) -> None:
        await self.connections.close()
        await self.db.close()

    def _now_ms(self) -> int:
        return ms(self.clock())

    async def look_around(self) -> None:
        """Check whether bulk jobs wait for a worker; called every few seconds."""
        self._crowded = await self.db(self._jobs.bulk_jobs_wait)

    async def window(self, window_id: int, *, again: bool = False) -> None:
        """Work on one window of a run, until it is done, its share of time is used up, or something stops it.

        A listing whose fault may be temporary is tried once more at once, from the resume mark: then `again` is set.
        """
        if not again and (sweeps_of := await self.db(sweeps_of_window, window_id)) is not None:
            await fresh_directory.refresh(self.connections, sweeps_of, self.clock())
        facts = await self.db(load_window, window_id, self._installation.vault)
        if facts is None:
            return
        ledger = RunWindowLedger(facts.window, facts.company_id, self.db, self.clock)
        scope = Scope(ScopeKind(facts.window.scope_kind), facts.window.scope_id)
        window, mark_ms = TimeRange(ms(facts.window.after), ms(facts.window.before)), ms(facts.window.listed_down_to)
        try:
            sweeps = facts.window.run.purpose != Run.Purpose.BACK_UP_NOW
            open_source = self.connections.sweeping if sweeps else self.connections.source
            job = self._job_context(await open_source(facts.company_id), ledger)
            end = await work_on_window(job, scope, window, mark_ms, facts.targets)
        except RokuonError as error:
            if may_pass_at_once(error) and not again:
                log.info("listing_again", extra={"window": window_id, "reason": error.reason, "detail": error.detail})
                await self.window(window_id, again=True)
            else:
                await self._listing_failed(facts, error)
            return
        except Exception:
            # A repeated fault of our own at the same place must not keep the run open forever.
            trace = uuid.uuid4().hex[:12]
            log.exception("window_crashed", extra={"window": window_id, "trace": trace})
            await self._put_back(facts, InternalFault(f"trace {trace}"))
            return
        await self._end_window(facts, end)

    async def due(self, company_id: int) -> None:
        """Try the company's due copies: retries, and copies that a lifted hold released."""
        ledger = DueLedger(company_id, self.db, self.clock)
        try:
            end = await work_on_due(self._job_context(await self.connections.source(company_id), ledger))
        except RokuonError as error:
            # No attempt was used up: due copies stay due, and the next tick queues this job again unless a hold stops it.
            await self._source_failed(company_id, error)
            end = JobEnd.HELD
        if end in (JobEnd.MORE, JobEnd.UNWANTED):
            await self.db(self._jobs.enqueue_due, company_id)
        else:
            await self.db(runs.end_done, company_id, self.clock())

    async def look(self, company_id: int) -> None:
        """Look up the calls of events until no hint is due. Calls whose events arrive in the meantime are looked up together."""
        await asyncio.sleep(GATHER_S)
        while not self._stopping and (facts := await self.db(live_path.load, company_id, self._installation.vault, self.clock())):
            ledger = DueLedger(company_id, self.db, self.clock)
            try:
                looked = await back_up_recent(
                    self._job_context(await self.connections.source(company_id, "live"), ledger), facts.wanted, facts.targets
                )
            except RokuonError as error:
                # Held, throttled or unavailable: the hints stay due, and the tick or the hold's end queues a lookup again. Any other error
                # may be caused by one hint and must not block the others: each uses up a try, and the sweeps find the rest.
                log.warning("look_failed", extra={"company": company_id, "reason": error.reason, "detail": error.detail})
                if not await self._source_failed(company_id, error) and not isinstance(error, SourceThrottled | SourceUnavailable):
                    await self._settle(company_id, facts, frozenset())
                return
            except Exception:
                log.exception("look_crashed", extra={"company": company_id})
                await self._settle(company_id, facts, frozenset())
                return
            if looked.end is JobEnd.HELD:
                return
            await self._settle(company_id, facts, looked.found)
            await asyncio.sleep(BETWEEN_LOOKS_S)

    async def _settle(self, company_id: int, facts: live_path.LiveFacts, found: frozenset[str]) -> None:
        await self.db(live_path.settle, facts, found, self.clock(), lambda at: self._jobs.enqueue_look(company_id, at))

    async def hook(self, company_id: int) -> None:
        """Maintain the webhook with which Dialpad sends this company's events to this installation."""
        await webhook_upkeep.look_after(self._installation, self.connections, company_id, self.public.origin, self.clock)

    async def mail(self) -> None:
        """Send the mails in the outbox. A slow mail server does no harm: the thread that waits for it has no database connection."""

        def company_admins(company_id: int) -> Sequence[Address]:
            return recipients.of_company(Company.objects.get(pk=company_id), self.clock())

        more = await asyncio.to_thread(
            outbox.send_due, self._from_thread(), self.clock, self.public.origin, company_admins, lambda: self._stopping
        )
        if more:
            await self.db(self._jobs.enqueue_mail)

    async def sign_in_mail(self) -> None:
        """Send the sign-in links that people have requested."""
        await asyncio.to_thread(sign_in_mails.send_due, self._from_thread(), self.clock, self.public.origin, lambda: self._stopping)

    def _from_thread(self) -> outbox.RunsInDatabase:
        """Return what runs a function on our database connection, for a thread that has none."""
        loop = asyncio.get_running_loop()

        def database(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
            return asyncio.run_coroutine_threadsafe(self.db(function, *args, **kwargs), loop).result()

        return database

    async def custody(self, bucket_id: int) -> None:
        await custody_issue.try_to_make(bucket_id, self.connections, self._installation, self.clock())

    async def inventory(self, bucket_id: int) -> None:
        ends = time.monotonic() + SHARE_S
        runner = InventoryRunner(
            self.connections, self._jobs, self.clock, lambda: self._stopping or (self._crowded and time.monotonic() > ends)
        )
        if await runner.try_to_run(bucket_id) is PassEnd.MORE:
            await self.db(self._jobs.enqueue_inventory, bucket_id)

    async def probe(self, company_id: int, hold_id: int) -> None:
        """Check whether the cause of a hold is gone: list one page, or try a few of the copies that it stops."""
        hold = await self.db(Hold.objects.filter(pk=hold_id, lifted_at=None).first)
        if hold is None or hold.reason == InventoryStopped.reason:
            # One recording that can be stored says nothing about those that are missing: an inventory or a person lifts that hold.
            return
        try:
            source = await self.connections.source(company_id, "live")
            if hold.on == Hold.On.SOURCE:
                await source_health.ask(source, self._now_ms())
                cured = True
            else:
                if hold.on == Hold.On.BUCKET:
                    # Open the store again: for the old store, a remounted disk is a different file system.
                    self.connections.forget_store(int(hold.ref))
                    if hold.reason in (BucketAway.reason, LedgerBehindBucket.reason):
                        # Fetch nothing for a bucket that does not answer, and lift no hold of a ledger that is still behind: without a
                        # waiting copy nothing else would open the bucket.
                        await source_health.ask_bucket(await self.connections.store(int(hold.ref)))
                ledger = ProbeLedger(hold, self.db, self.clock)
                cured = hold.on == Hold.On.KIND and bool(await kind_opens(source, await ledger.witnesses(RecordingKind(hold.ref))))
                if not cured:
                    await work_on_due(self._job_context(source, ledger))
                    cured = ledger.cured
        except RokuonError as error:
            log.info("probe_failed", extra={"hold": hold_id, "reason": error.reason})
            return
        if cured:
            await self.db(self.lift, company_id, HoldOn(hold.on), hold.ref)

    @transaction.atomic
    def lift(self, company_id: int, on: HoldOn, ref: str) -> None:
        """Lift a hold, because its cause is gone, and resume the work that it stopped."""
        now = self.clock()
        if (hold := holds.lift(company_id, on, ref, now)) is not None:
            log.info("hold_lifted", extra={"company": company_id, "on": on.value, "released": hold.released})
        runs.queue_windows(company_id, now, self._jobs.enqueue_window)
        self._jobs.enqueue_due(company_id)
        self._jobs.enqueue_look(company_id)

    async def nightly(self) -> None:
        """Dump the embedded database once a day, and keep dumps for a week. The operator of an external database dumps it."""
        await nightly_dump.make_if_due(self._installation, self.db, self.clock(), self._stop_dump)

    def _job_context(self, source: Source, ledger: JobLedger) -> JobContext:
        context = CopyContext(source, self._limits, self._memory, asyncio.sleep)
        ends = time.monotonic() + SHARE_S

        def time_up() -> bool:
            return self._stopping or (self._crowded and time.monotonic() > ends)

        def begin_share() -> None:
            nonlocal ends
            ends = time.monotonic() + SHARE_S

        return JobContext(context, self.connections.store, ledger, self._now_ms, time_up, begin_share)

    async def _end_window(self, facts: WindowFacts, end: JobEnd) -> None:
        window_id, now = facts.window.pk, self.clock()
        log.info("window_ended", extra={"window": window_id, "end": end.value})
        match end:
            case JobEnd.DONE:
                await self.db(_finish, facts, now, self._jobs)
                if facts.window.scope_kind == ScopeKind.COMPANY:
                    # Not in that transaction, which locks the company's runs.
                    await self.db(outside.tidy, facts.company_id, now)
            case JobEnd.MORE:
                await self.db(self._jobs.enqueue_window, window_id)
            case JobEnd.NARROW:
                await self.db(_widen, facts, self._jobs)
            case JobEnd.HELD:
                await self.db(runs.suspend_window, window_id, "held")
            case JobEnd.UNWANTED:
                pass

    async def _listing_failed(self, facts: WindowFacts, error: RokuonError) -> None:
        """Handle a failed listing: hold the source, try the window again later, or continue without it, as the error decides."""
        window_id, now = facts.window.pk, self.clock()
        log.warning("listing_failed", extra={"window": window_id, "reason": error.reason, "detail": error.detail})
        if isinstance(error, SourceUnavailable) and facts.window.attempt >= AWAY_AFTER_TRIES and await self._away(facts.company_id):
            error = SourceAway(error.detail)
        if await self._source_failed(facts.company_id, error):
            await self.db(runs.suspend_window, window_id, error.reason)
        elif error.decision is Decision.AFTER:
            await self._put_back(facts, error)
        else:
            await self.db(runs.fail_window, window_id, error.reason, error.detail, now, self._jobs.enqueue_window)

    async def _away(self, company_id: int) -> bool:
        """Whether the whole source is unavailable. If only one window cannot be listed, the source must not be held."""
        try:
            await source_health.ask(await self.connections.source(company_id), self._now_ms())
        except SourceUnavailable:
            return True
        except RokuonError as other:
            log.info("source_asked", extra={"company": company_id, "reason": other.reason})
        return False

    async def _put_back(self, facts: WindowFacts, error: RokuonError) -> None:
        planned = AFTER_ERROR_S[min(facts.window.attempt, len(AFTER_ERROR_S) - 1)]
        obeyed = obeyed_pause if isinstance(error, SourceThrottled) else obeyed_wait
        wait = planned if error.retry_after is None else obeyed(error.retry_after)
        enqueue = self._jobs.enqueue_window
        await self.db(runs.put_back, facts.window.pk, error.reason, error.detail, wait, self.clock(), enqueue, spends=error.spends)

    async def _source_failed(self, company_id: int, error: RokuonError) -> bool:
        """Open a hold on the source if the error requires one. Return whether it does."""
        if error.decision is not Decision.HOLD and not isinstance(error, ConfigError):
            return False
        await self.db(holds.open_hold, company_id, HoldOn.SOURCE, "", error.reason, error.detail, self.clock())
        return True


@transaction.atomic
def _finish(facts: WindowFacts, now: datetime, jobs: Jobs) -> None:
    """Finish a window that is listed and tried: cover its whole days, as of the start of the run, for the targets for which all its jobs
    listed in the same way, and publish its figures of the calls outside every rule if they all counted them in the same way."""
    outside_void.keep_rules(facts.company_id)
    window = Window.objects.get(pk=facts.window.pk)
    company = Company.objects.get(pk=facts.company_id)
    now_how = how_listed(company, load_targets(company, window.targets), facts.fingerprint, window.scope_kind)
    same = agreed(window.listed_as, facts.how, now_how)
    listed, whole = TimeRange(ms(window.after), ms(window.before)), window.scope_kind == ScopeKind.COMPANY
    unread.listed(facts.company_id, sorted(same.targets), listed, at(facts.listed_at_ms), whole_company=whole)
    coverage.cover(sorted(same.targets), windows.whole_days(listed), facts.fingerprint, facts.listed_at_ms)
    if same.outside:
        outside.publish(facts.company_id, window.pk, windows.whole_days(listed), facts.fingerprint, at(facts.listed_at_ms), now)
    runs.finish_window(window.pk, now, jobs.enqueue_window)


@transaction.atomic
def _widen(facts: WindowFacts, jobs: Jobs) -> None:
    """List this window by the company, because a listing by target lacked legs of a conversation, and do not trust such listings again."""
    services.distrust_listing(facts.company_id, facts.window.scope_kind)
    runs.widen(facts.window.pk, COMPANY_SCOPE.kind, COMPANY_SCOPE.id)
    jobs.enqueue_window(facts.window.pk)
