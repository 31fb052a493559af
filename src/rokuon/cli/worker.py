"""`rokuon worker`: supervises worker processes; `--one` is such a process."""

import asyncio
import signal

import click

from rokuon.base import logs
from rokuon.base.i18n import _
from rokuon.config import Config
from rokuon.domain import crashpoints
from rokuon.jobs import queue
from rokuon.jobs.supervisor import Program, Supervisor
from rokuon.jobs.worker import run
from rokuon.runtime import stopping
from rokuon.runtime.database_clock import DatabaseClock
from rokuon.wiring.job_handlers import JobHandlers

from .support.commands import Command
from .support.number_types import Whole
from .support.session import opened
from .support.subprocesses import rokuon, stoppable

MOST_PROCESSES = 64

processes_option = click.option(
    "--processes",
    type=Whole(1, MOST_PROCESSES),
    default=1,
    show_default=True,
    metavar="N",
    help=_("Worker processes to keep running."),
)


@click.command(
    cls=Command,
    help=_(
        "Do the work until stopped: list, copy and verify recordings. Run it as a service, on as many machines as you like; it restarts "
        "processes that die and stops within 30 seconds, losing nothing."
    ),
)
@processes_option
@click.option("--one", is_flag=True, hidden=True)
def worker_command(processes: int, one: bool) -> int:
    config = Config.load()
    logs.set_up(level=config.log_level, style=config.log_format)
    if one:
        crashpoints.arm(config.crash_at)
        return _one_process()
    with opened(guards=True):
        # The installation stays open, so that the embedded database keeps running while a process is restarted.
        return Supervisor(Program("worker", rokuon("worker", "--one"), processes)).run()


def _stop(stop: asyncio.Event) -> None:
    stopping.begin()
    stop.set()


def _one_process() -> int:
    async def work(engine: JobHandlers, clock: DatabaseClock) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, stop)
        try:
            await run(engine, stop, clock)
        finally:
            await engine.close()

    with stoppable(), opened() as session:  # a stop during the start is orderly too
        clock = DatabaseClock()
        clock.look()
        asyncio.run(work(JobHandlers(session.installation, queue, clock=clock), clock))
    return 0
