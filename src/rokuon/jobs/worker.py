"""Worker process: two Procrastinate workers, live and bulk, together with the tick and the rescue of jobs whose worker died.

`rokuon worker` supervises such processes (`jobs.supervisor`); any number may run, on any number of machines.
"""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from procrastinate import App, PsycopgConnector
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Status

from rokuon.domain.clocks import MOST_APART
from rokuon.jobs.queue import BULK, CUSTODY, DUE, HOOK, INVENTORY, LIVE, LOOK, MAIL, PROBE, SIGN_IN_MAIL, WINDOW
from rokuon.jobs.tick import tick
from rokuon.runtime import stopping
from rokuon.runtime.database_clock import DatabaseClock
from rokuon.runtime.schema_version import DatabaseNewer, require_no_newer
from rokuon.wiring.job_handlers import JobHandlers

log = logging.getLogger(__name__)

HEARTBEAT_S, DEAD_AFTER_S, RESCUE_EVERY_S, TICK_EVERY_S = 4.0, 16.0, 5.0, 60.0
"""A job of a killed worker is started again within DEAD_AFTER + RESCUE_EVERY seconds, 21 s: below the 30 s promised for a restart."""

LIVE_JOBS, BULK_JOBS = 4, 4
LIVE_POLL_S, BULK_POLL_S = 0.5, 5.0
"""Procrastinate notifies workers of a new job, but not of one whose scheduled time has come or whose lock is free again: polling finds
those. An example is a lookup that waits for another lookup of its company."""

AGAIN_S = 1.0
STOP_WITHIN_S = 22.0
KEEP_JOBS_HOURS = 24


def build_app(engine: JobHandlers) -> App:
    """Return the app with its tasks. They are thin: each reads what to do from the ledger and may run twice."""
    app = App(connector=PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=4))
    app.task(name=WINDOW, queue=BULK)(engine.window)
    app.task(name=DUE, queue=BULK)(engine.due)
    app.task(name=PROBE, queue=LIVE)(engine.probe)
    app.task(name=LOOK, queue=LIVE)(engine.look)
    app.task(name=HOOK, queue=LIVE)(engine.hook)
    app.task(name=MAIL, queue=LIVE)(engine.mail)
    app.task(name=SIGN_IN_MAIL, queue=LIVE)(engine.sign_in_mail)
    app.task(name=CUSTODY, queue=BULK)(engine.custody)
    app.task(name=INVENTORY, queue=BULK)(engine.inventory)
    return app


async def run(engine: JobHandlers, stop: asyncio.Event, clock: DatabaseClock | None = None) -> None:
    """Work until `stop` is set; then finish the recordings in flight, return the rest to the queue, and return within 22 s.

    `clock` is the engine's clock if that is the database's: it is compared every few seconds. If a newer version has migrated the database,
    work stops in the same way, and DatabaseNewer is raised."""
    # Imported objects stay; scanning them for garbage again and again costs a few percent of the processor.
    gc.collect()
    gc.freeze()
    app = build_app(engine)
    newer: list[DatabaseNewer] = []
    async with app.open_async(), asyncio.TaskGroup() as tasks:
        beside = [
            tasks.create_task(_every(RESCUE_EVERY_S, lambda: rescue(app))),
            tasks.create_task(_every(RESCUE_EVERY_S, engine.look_around)),
            tasks.create_task(_every(RESCUE_EVERY_S, lambda: _read_clock(engine, clock))),
            tasks.create_task(_every(RESCUE_EVERY_S, lambda: _stop_where_newer(engine, stop, newer))),
            tasks.create_task(_every(TICK_EVERY_S, lambda: _tick(app, engine, clock))),
            # Not in the tick: a dump may take longer than a minute.
            tasks.create_task(_every(TICK_EVERY_S, engine.nightly)),
        ]
        workers = [
            tasks.create_task(_worker(app, stop, LIVE, LIVE_JOBS, LIVE_POLL_S)),
            tasks.create_task(_worker(app, stop, BULK, BULK_JOBS, BULK_POLL_S)),
        ]
        await stop.wait()
        engine.stop()
        for task in beside + workers:
            task.cancel()
    if newer:
        raise newer[0]


async def _worker(app: App, stop: asyncio.Event, queue: str, jobs: int, poll_s: float) -> None:
    """Run one Procrastinate worker until it is stopped. If its connection breaks, its jobs end but not the process: the worker starts
    again, and its jobs are rescued like those of a dead worker. If the connection breaks during the stop, it does not start again."""
    while not stop.is_set():
        try:
            await app.run_worker_async(
                queues=[queue],
                name=queue,
                concurrency=jobs,
                fetch_job_polling_interval=poll_s,
                install_signal_handlers=False,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=DEAD_AFTER_S,
                shutdown_graceful_timeout=STOP_WITHIN_S - 5,
            )
        except ConnectorException:
            log.warning("worker_lost_the_database", extra={"queue": queue})
            await asyncio.sleep(AGAIN_S)
        else:
            return


async def _every(seconds: float, action: Callable[[], Awaitable[object]]) -> None:
    """Run the action now and then every `seconds`. A failure is logged, and the action is tried again at its next time."""
    while True:
        try:
            await action()
        except Exception:
            log.exception("periodic_action_failed")
        await asyncio.sleep(seconds)


async def rescue(app: App) -> None:
    """Put the jobs of workers without a heartbeat back into the queue, whatever the worker's name. A job whose successor waits in the queue
    already is ended: the successor does its work."""
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_S))
    for job in stalled:
        try:
            await app.job_manager.retry_job(job)
        except UniqueViolation:
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
        log.warning("job_rescued", extra={"job": job.id, "task": job.task_name})


async def _stop_where_newer(engine: JobHandlers, stop: asyncio.Event, newer: list[DatabaseNewer]) -> None:
    """Stop if a newer version has migrated the database: that version may misread what this one writes."""
    try:
        await engine.db(require_no_newer)
    except DatabaseNewer as error:
        log.error("database_is_newer")
        newer.append(error)
        stopping.begin()
        stop.set()


async def _read_clock(engine: JobHandlers, clock: DatabaseClock | None) -> timedelta:
    """Return how far this machine's clock is ahead of the database's."""
    return await engine.db(clock.look) if clock is not None else timedelta(0)


async def _tick(app: App, engine: JobHandlers, clock: DatabaseClock | None) -> None:
    """Run a tick. A worker whose clock differs too much from the database's queues no jobs: its signatures and dates would be wrong."""
    ahead = await _read_clock(engine, clock)
    right = abs(ahead) <= MOST_APART
    if not right:
        log.error("clock_is_wrong", extra={"ahead_s": round(ahead.total_seconds()), "most_s": MOST_APART.total_seconds()})
    await engine.db(tick, engine.clock(), engine.public, asks=right)
    await app.job_manager.delete_old_jobs(nb_hours=KEEP_JOBS_HOURS, include_failed=True)
