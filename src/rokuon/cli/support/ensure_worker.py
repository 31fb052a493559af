"""Ensure that a worker runs for a command that waits for work: an existing one, else one that the command starts."""

import time

import click

from rokuon.base.i18n import _
from rokuon.jobs import queue

from .session import CliSession
from .subprocesses import Child, rokuon


class EnsuredWorker:
    """Use as a context manager; call `keep_working` about once a second. A worker that it started is stopped in order at the end."""

    ALIVE_WITHIN_S = 15.0
    LOOK_EVERY_S = 10.0

    def __init__(self, session: CliSession, *, quiet: bool) -> None:
        self._session, self._quiet = session, quiet
        self._child: Child | None = None
        self._looked_at = -self.LOOK_EVERY_S

    def __enter__(self) -> "EnsuredWorker":
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def start(self) -> None:
        """Start a worker, even if others are running."""
        self._child = Child(rokuon("worker", "--one"), {"ROKUON_DATA_DIR": str(self._session.config.data_dir)})

    @property
    def working(self) -> bool:
        return self._child is not None and self._child.alive

    def keep_working(self) -> None:
        """Start a worker if none is running. Raises WorkerKilled if the started worker was stopped from outside, InternalFault if it cannot
        run."""
        if self._child is not None:
            if not self._child.alive:
                click.echo(self._child.said(), err=True)
                raise self._child.why_it_ended()
            return
        now = time.monotonic()
        if now - self._looked_at < self.LOOK_EVERY_S:
            return
        self._looked_at = now
        if queue.live_workers(self.ALIVE_WITHIN_S):
            return
        if not self._quiet:
            click.echo(_("No worker is running, so this command does the work itself for as long as the run lasts."), err=True)
        self.start()
