"""Health endpoints for monitors and load balancers: whether the process runs and whether it can work. The answers say nothing more."""

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
    """Check the database, its version, and the master key. The log and `rokuon doctor` say what is wrong.

    If an embedded database does not start, the answer contains the reason code, because nothing else can report it.
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
    """Raise until the migrations are applied. Then the result is cached, because applied migrations stay applied."""
    require_same()
