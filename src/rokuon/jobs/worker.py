"""One worker process: two Procrastinate workers, live and bulk, beside the tick and the rescue of jobs whose worker died.

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
from rokuon.jobs.queue import BULK, DUE, HOOK, LIVE, LOOK, MAIL, PROBE, WINDOW
from rokuon.jobs.tick import tick
from rokuon.runtime import stopping
from rokuon.runtime.database_clock import DatabaseClock
from rokuon.runtime.schema_version import DatabaseNewer, require_no_newer
from rokuon.wiring.job_handlers import Engine

log = logging.getLogger(__name__)

HEARTBEAT_S, DEAD_AFTER_S, RESCUE_EVERY_S, TICK_EVERY_S = 4.0, 16.0, 5.0, 60.0
"""A job of a killed worker is taken up again within DEAD_AFTER + RESCUE_EVERY seconds, 21 s: below the 30 s promised for a restart."""

LIVE_JOBS, BULK_JOBS = 4, 4
LIVE_POLL_S, BULK_POLL_S = 0.5, 5.0
"""Procrastinate tells workers of a new job, not of one whose time has come or whose lock has become free: those are met by asking. A
look that waits behind another of its company is one."""

AGAIN_S = 1.0
STOP_WITHIN_S = 22.0
KEEP_JOBS_HOURS = 24


def build_app(engine: Engine) -> App:
    """The tasks, as thin as they can be: each reads what to do from the ledger and may run twice."""
    app = App(connector=PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=4))
    app.task(name=WINDOW, queue=BULK)(engine.window)
    app.task(name=DUE, queue=BULK)(engine.due)
    app.task(name=PROBE, queue=LIVE)(engine.probe)
    app.task(name=LOOK, queue=LIVE)(engine.look)
    app.task(name=HOOK, queue=LIVE)(engine.hook)
    app.task(name=MAIL, queue=LIVE)(engine.mail)
    return app


async def run(engine: Engine, stop: asyncio.Event, clock: DatabaseClock | None = None) -> None:
    """Work until `stop` is set; then finish the recordings in flight, hand back the rest, and return within 22 s.

    `clock` is the engine's, where that is the database's: it is looked at every few seconds. Where a newer version has brought the database
    to its own, work stops in the same way, and DatabaseNewer is raised."""
    # What was imported stays; looking through it for garbage again and again costs a few percent of the processor.
    gc.collect()
    gc.freeze()
    app = build_app(engine)
    newer: list[DatabaseNewer] = []
    async with app.open_async(), asyncio.TaskGroup() as tasks:
        beside = [
            tasks.create_task(_every(RESCUE_EVERY_S, lambda: rescue(app))),
            tasks.create_task(_every(RESCUE_EVERY_S, engine.look_around)),
            tasks.create_task(_every(RESCUE_EVERY_S, lambda: _look(engine, clock))),
            tasks.create_task(_every(RESCUE_EVERY_S, lambda: _stop_where_newer(engine, stop, newer))),
            tasks.create_task(_every(TICK_EVERY_S, lambda: _tick(app, engine, clock))),
            # Beside the tick: a dump may take longer than a minute.
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
    """Returns when it is stopped. A connection that breaks ends what it was doing, not the process: it begins again, and what it had begun
    is rescued like a dead worker's. One that breaks during the stop is no reason to begin again."""
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
    """Run the action now and then every so many seconds. A failure is logged and does not end the rhythm: the next one tries again."""
    while True:
        try:
            await action()
        except Exception:
            log.exception("periodic_action_failed")
        await asyncio.sleep(seconds)


async def rescue(app: App) -> None:
    """Put back into the queue what a worker without a sign of life was doing, whatever its name was. A job whose successor waits
    there already is ended: the successor does its work."""
    stalled = list(await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_S))
    for job in stalled:
        try:
            await app.job_manager.retry_job(job)
        except UniqueViolation:
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
        log.warning("job_rescued", extra={"job": job.id, "task": job.task_name})


async def _stop_where_newer(engine: Engine, stop: asyncio.Event, newer: list[DatabaseNewer]) -> None:
    """What this version would write into a newer database, that version may misread."""
    try:
        await engine.db(require_no_newer)
    except DatabaseNewer as error:
        log.error("database_is_newer")
        newer.append(error)
        stopping.begin()
        stop.set()


async def _look(engine: Engine, clock: DatabaseClock | None) -> timedelta:
    """How far this machine's clock is ahead of the database's."""
    return await engine.db(clock.look) if clock is not None else timedelta(0)


async def _tick(app: App, engine: Engine, clock: DatabaseClock | None) -> None:
    """A worker whose clock is far from the database's asks for no work: signatures and dates that it makes are wrong."""
    ahead = await _look(engine, clock)
    right = abs(ahead) <= MOST_APART
    if not right:
        log.error("clock_is_wrong", extra={"ahead_s": round(ahead.total_seconds()), "most_s": MOST_APART.total_seconds()})
    await engine.db(tick, engine.clock(), engine.public, asks=right)
    await app.job_manager.delete_old_jobs(nb_hours=KEEP_JOBS_HOURS, include_failed=True)
