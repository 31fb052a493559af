"""Refresh a company's directory when it is older than a day, so that new contact centers, trainees and people appear automatically."""

import logging
from datetime import datetime, timedelta

from rokuon.accounts.audit import Actor
from rokuon.domain.failures import RokuonError
from rokuon.ledger.sql import ms
from rokuon.org.models import Company
from rokuon.wiring.connections import Connections
from rokuon.wiring.directory_sync import enter_synced
from rokuon.wiring.key_check import account_of

log = logging.getLogger(__name__)

DIRECTORY_KEEPS = timedelta(days=1)
"""A run or a sweep starts with a directory that is not older than this: a new center or trainee must not be missed."""

WORKER = Actor("worker")


async def refresh(connections: Connections, company_id: int, now: datetime) -> None:
    """Read the directory again if it is old. If it cannot be read, this is logged, the old one stays in use, and the next sweep tries
    again."""
    company = await connections.db(Company.objects.get, pk=company_id)
    if company.synced_at is not None and now - company.synced_at <= DIRECTORY_KEEPS:
        return
    try:
        account = await account_of(await connections.source(company_id, "sweep"), ms(now))
    except RokuonError as error:
        log.warning("directory_not_read", extra={"company": company_id, "reason": error.reason, "detail": error.detail})
        return
    await connections.db(enter_synced, company, account, WORKER, now)
