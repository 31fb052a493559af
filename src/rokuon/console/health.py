"""What monitors and load balancers ask: is the process there, and can it work. Neither answer says more than that."""

import logging
from functools import cache

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse

from rokuon.config import Config
from rokuon.domain.failures import RokuonError
from rokuon.ops.secrets import Vault

log = logging.getLogger(__name__)


def alive() -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def ready() -> HttpResponse:
    """Database, its version, and the master key. What is wrong stands in the log, and `rokuon doctor` says it."""
    try:
        Vault.load(Config.load().master_key_file)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        _require_migrated()
    except (RokuonError, Error, _Unmigrated) as error:
        log.warning("not_ready", extra={"why": type(error).__name__})
        return HttpResponse("not ready\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")


class _Unmigrated(Exception):
    """The database is older than this Rokuon."""


@cache
def _require_migrated() -> None:
    """Asked until it is so; what has been applied stays applied."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise _Unmigrated
