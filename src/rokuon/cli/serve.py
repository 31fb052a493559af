"""`rokuon serve`: the console. `rokuon up`: the console and workers, supervised."""

import os
import socket
import sys
from collections.abc import Callable
from typing import Any

import click
from django.db import connections

from rokuon.base import logs
from rokuon.base.addresses import Listen
from rokuon.base.i18n import _
from rokuon.config import Config
from rokuon.console.web.gunicorn_server import ConsoleServer, Worker
from rokuon.domain.failures import ConfigError
from rokuon.jobs.supervisor import Program, Supervisor
from rokuon.jobs.worker_monitor import SILENT_AFTER_S, WorkerMonitor

from .support.commands import Command
from .support.number_types import Whole
from .support.session import opened
from .support.subprocesses import rokuon, stoppable
from .worker import processes_option

PROCESSES, THREADS = 2, 8
BACKLOG = 256


@click.command(
    cls=Command,
    help=_(
        "Serve the console until stopped, at ROKUON_LISTEN. The backups themselves are made by workers: see `rokuon worker`, or `rokuon "
        "up` for both."
    ),
)
@click.option(
    "--processes", type=Whole(1, 32), default=PROCESSES, show_default=True, metavar="N", help=_("Processes that answer requests.")
)
@click.option(
    "--threads",
    type=Whole(1, 64),
    default=THREADS,
    show_default=True,
    metavar="N",
    help=_("Requests that each process answers at a time."),
)
@click.option("--silent-after", type=click.FloatRange(1, 86400), default=SILENT_AFTER_S, hidden=True)
def serve_command(processes: int, threads: int, silent_after: float) -> int:
    config = Config.load()
    logs.set_up(level=config.log_level, style=config.log_format)
    master = os.getpid()
    with (
        stoppable(),
        opened(guards=True),
        listening(config.listens) as listener,
    ):  # a stop during the start is orderly too
        try:
            monitor = WorkerMonitor(config.public.origin, silent_after=silent_after)
            ConsoleServer(_application, monitor.start, listener.detach(), processes=processes, threads=threads).run()
        except SystemExit as end:
            if os.getpid() != master:
                # A forked process of the server that ends must not close what its parent has opened.
                connections.close_all()
                os._exit(end.code if isinstance(end.code, int) else 1)
            return end.code if isinstance(end.code, int) else 0
    return 0


def _application() -> Callable[..., Any]:
    """Load the application before the fork, so that its memory is shared. No database connection may be open then."""
    from rokuon.console.web import webhook_view
    from rokuon.wsgi import application

    Worker.hook_is_known = staticmethod(webhook_view.is_known)
    connections.close_all()
    return application


@click.command(
    cls=Command,
    help=_(
        "Serve the console and do the work, until stopped: `rokuon serve` and `rokuon worker` in one. Processes that die are restarted; a "
        "stop ends the console first, then the workers, losing nothing."
    ),
)
@processes_option
def up_command(processes: int) -> int:
    config = Config.load()
    logs.set_up(level=config.log_level, style=config.log_format)
    with stoppable(), opened(guards=True):
        listening(config.listens).close()
        click.echo(_("The console: %(url)s") % {"url": config.public.origin})
        sys.stdout.flush()
        return Supervisor(Program("web", rokuon("serve")), Program("worker", rokuon("worker", "--one"), processes)).run()


def listening(at: Listen) -> socket.socket:
    """Return a socket that listens there. Raises ConfigError if that is not possible."""
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(at.host, at.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            _("The console cannot listen at %(at)s: %(reason)s. End what uses the port, or set ROKUON_LISTEN to another.")
            % {"at": at, "reason": reason}
        ) from None
    return listener
