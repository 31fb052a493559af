"""Nightly dump of the embedded database: decide when one is due, and make it in a thread that ends with the process.

A dump must contain the companies, and on the first day also the settings made since.
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
"""People change several settings one after another: a dump after the first change would contain only that one."""


def outdated_by(folder: Path, now: datetime) -> datetime | None:
    """Return the time before which a dump in `folder` is outdated: the creation of the first company, or a change of the first day that is
    an hour old. None before there is a company."""
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
    """Make a dump if one is due. Does nothing for an external database, which its operator dumps. A failure is logged, and the next call
    tries again."""
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
