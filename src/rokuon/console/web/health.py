"""What monitors and load balancers ask: is the process there, and can it work. Neither answer says more than that."""

import logging
from functools import cache

from django.db import Error, connection
from django.http import HttpResponse

from rokuon.base.secrets import Vault
from rokuon.config import Config
from rokuon.domain.failures import RokuonError
from rokuon.runtime import trouble
from rokuon.runtime.schema_version import require_same

log = logging.getLogger(__name__)


def alive() -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def ready() -> HttpResponse:
    """Database, its version, and the master key. What is wrong stands in the log, and `rokuon doctor` says it.

    Of an embedded database that does not start, the reason code is named: nothing else can tell of it.
    """
    try:
        Vault.load(Config.load().master_key_file)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        _require_migrated()
    except (RokuonError, Error) as error:
        log.warning("not_ready", extra={"why": type(error).__name__})
        reason = trouble.said()
        return HttpResponse(f"not ready: {reason}\n" if reason else "not ready\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")


@cache
def _require_migrated() -> None:
    """Asked until it is so; what has been applied stays applied."""
    require_same()
