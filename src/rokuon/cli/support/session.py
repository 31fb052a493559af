"""An open installation for the length of one command: database, keys, and the company that the command is about."""

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
    """What a command works with. Close nothing by hand: the context that opened it does."""

    config: Config
    installation: Installation

    clock: DatabaseClock = field(default_factory=DatabaseClock)

    def now(self) -> datetime:
        """By the database's clock: what a command notes is compared with what workers note."""
        return self.clock()

    def own_now(self) -> datetime:
        """By this machine's clock."""
        return datetime.now(UTC)

    def zone_of(self, company: Company) -> str:
        """The zone in which times that concern the whole company are shown."""
        return tree.company_zone(company, self.config.time_zone)


@contextmanager
def opened(*, guards: bool = False) -> Iterator[CliSession]:
    """The installation that ROKUON_DATA_DIR (or --data) names. Raises ConfigError where it is missing, incomplete or of another version.

    With `guards` the embedded database is started again when it is gone, for as long as the context lasts. Where that cannot be, the
    process gets SIGTERM, and leaving the context raises the reason.
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
