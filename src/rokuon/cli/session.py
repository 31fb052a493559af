"""An open installation for the length of one command: database, keys, and the company that the command is about."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import click
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor

from rokuon.config import Config
from rokuon.domain.failures import ConfigError
from rokuon.ops.i18n import _
from rokuon.ops.installation import Installation, open_installation

WAIT_WORTH_SAYING_S = 3.0


@dataclass(frozen=True)
class Session:
    """What a command works with. Close nothing by hand: the context that opened it does."""

    config: Config
    installation: Installation

    def now(self) -> datetime:
        return datetime.now(UTC)


@contextmanager
def opened() -> Iterator[Session]:
    """The installation that ROKUON_DATA_DIR (or --data) names. Raises ConfigError where it is missing, incomplete or too old."""
    config = Config.load()
    with open_installation(config, on_wait=_waiting) as installation:
        try:
            _require_migrated()
            yield Session(config, installation)
        finally:
            connections.close_all()


def _waiting(seconds: float) -> None:
    if seconds >= WAIT_WORTH_SAYING_S:
        click.echo(_("Waiting for the database to be ready (%(seconds)d s)...") % {"seconds": seconds}, err=True)


def _require_migrated() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise ConfigError(_("The database was made by an older version of Rokuon, or is still empty. Run `rokuon migrate`."))
