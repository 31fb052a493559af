"""An open installation for one command: database, keys, clock and time zones."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import click
from django.db import connections

from rokuon.base.i18n import _
from rokuon.config import Config
from rokuon.org import tree
from rokuon.org.models import Company
from rokuon.runtime.database_clock import DatabaseClock
from rokuon.runtime.installation import Installation, open_installation
from rokuon.runtime.schema_version import require_same

WAIT_WORTH_SAYING_S = 3.0


@dataclass(frozen=True)
class CliSession:
    """The context of a command: configuration, installation and clock. The context manager that opened it closes it."""

    config: Config
    installation: Installation

    clock: DatabaseClock = field(default_factory=DatabaseClock)

    def now(self) -> datetime:
        """Return the database's time: times that a command stores are compared with those of workers."""
        return self.clock()

    def own_now(self) -> datetime:
        """Return this machine's own time."""
        return datetime.now(UTC)

    def zone_of(self, company: Company) -> str:
        """Return the display zone for times of the whole company."""
        return tree.company_zone(company, self.config.time_zone)


@contextmanager
def opened(*, guards: bool = False) -> Iterator[CliSession]:
    """Open the installation in ROKUON_DATA_DIR (or --data). Raises ConfigError if it is missing, incomplete or of another version.

    With `guards`, the embedded database is restarted when it is gone, while the context lasts. If that is not possible, the process gets
    SIGTERM, and leaving the context raises the reason.
    """
    config = Config.load()
    with open_installation(config, on_wait=_waiting) as installation:
        try:
            require_same()
            session = CliSession(config, installation)
            session.clock.look()
            if guards:
                installation.guard()
            yield session
        except KeyboardInterrupt:
            if installation.gave_up is not None:
                raise installation.gave_up from None
            raise
        finally:
            connections.close_all()
        if installation.gave_up is not None:
            raise installation.gave_up


def _waiting(seconds: float) -> None:
    if seconds >= WAIT_WORTH_SAYING_S:
        click.echo(_("Waiting for the database to be ready (%(seconds)d s)...") % {"seconds": seconds}, err=True)
