"""The nightly dump of the embedded database: when one is due, made beside whatever else the process does, and ended with it.

A dump must hold the companies, and on the first day what was set up meanwhile.
"""

import asyncio
import logging
import threading
from datetime import datetime, timedelta
from pathlib import Path

from django.db.models import Min

from rokuon.accounts.models import AuditEntry
from rokuon.domain.failures import RokuonError
from rokuon.ledger.gateway import Database
from rokuon.org.models import Company
from rokuon.runtime import dumps
from rokuon.runtime.installation import Installation

log = logging.getLogger(__name__)

FIRST_DAY = timedelta(days=1)
SETTLED_AFTER = timedelta(hours=1)
"""Settings come in a row: a dump after the first of them would hold it alone."""


def outdated_by(folder: Path, now: datetime) -> datetime | None:
    """No dump counts that is older than this: the first company, or a change of the first day that is an hour old. None before there is
    a company. Dumps are those of the folder."""
    first: datetime | None = Company.objects.aggregate(at=Min("created_at"))["at"]
    if first is None:
        return None
    made = dumps.newest_at(folder, now)
    if made is None or made < first or now - first > FIRST_DAY:
        return first
    since = AuditEntry.objects.filter(company_id__isnull=False, at__gt=made, at__lte=now - SETTLED_AFTER)
    changed: datetime | None = since.aggregate(at=Min("at"))["at"]
    return changed or first


async def make_if_due(installation: Installation, db: Database, now: datetime, stop: threading.Event) -> None:
    """A database of the operator's own is the operator's to dump. One that fails is logged and tried again at the next call."""
    if not installation.config.embedded:
        return
    folder = installation.config.dump_dir
    since = await db(outdated_by, folder, now)

    def work() -> None:
        try:
            dumps.nightly(installation.database_url, folder, now=now, outdated_by=since, stop=stop)
        except dumps.DumpStopped:
            log.info("dump_stopped")
        except RokuonError as error:
            log.error("dump_failed", extra={"detail": error.detail})

    await asyncio.to_thread(work)
