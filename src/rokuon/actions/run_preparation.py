"""Prepare a run: refresh an old directory, find out what a listing can be trusted with, and estimate the run for preview."""

import asyncio
from datetime import datetime

from rokuon.accounts.audit import Actor
from rokuon.backup.estimate import Estimate
from rokuon.domain.ports import Jobs, TimeRange
from rokuon.domain.recording import ScopeKind
from rokuon.ledger.sql import ms
from rokuon.org.models import Company
from rokuon.runtime.installation import Installation
from rokuon.wiring import trust
from rokuon.wiring.connections import Connections, connected
from rokuon.wiring.directory_sync import enter_synced
from rokuon.wiring.dry_run import estimate
from rokuon.wiring.fresh_directory import DIRECTORY_KEEPS
from rokuon.wiring.job_handlers import JobHandlers
from rokuon.wiring.key_check import account_of


def prepare(
    installation: Installation, company: Company, scope_kind: ScopeKind, actor: Actor, now: datetime, patience: float | None = None
) -> None:
    """Sync the directory if it is old, and find out once whether a part of the company can be listed alone. Raises the source's errors, and
    TimeoutError after `patience` seconds."""

    async def work(connections: Connections) -> None:
        async with asyncio.timeout(patience):
            await _prepare(connections, company, scope_kind, actor, now)

    connected(installation, now, work)


async def _prepare(connections: Connections, company: Company, scope_kind: ScopeKind, actor: Actor, now: datetime) -> None:
    if company.synced_at is None or now - company.synced_at > DIRECTORY_KEEPS:
        account = await account_of(await connections.source(company.pk), ms(now))
        await connections.db(enter_synced, company, account, actor, now)
    if scope_kind is not ScopeKind.COMPANY:
        await trust.learn_trust(company.pk, await connections.source(company.pk), connections.db, now)


def preview(
    installation: Installation,
    company: Company,
    scope_kind: ScopeKind,
    scope_id: int,
    wanted: TimeRange | None,
    jobs: Jobs,
    actor: Actor,
    now: datetime,
    *,
    relist: bool,
    patience: float,
) -> Estimate:
    """Estimate what a run would do, after `prepare`. Raises NothingToBackUp, the source's errors, and TimeoutError after `patience`
    seconds."""

    async def work() -> Estimate:
        engine = JobHandlers(installation, jobs, clock=lambda: now)
        try:
            async with asyncio.timeout(patience):
                await _prepare(engine.connections, company, scope_kind, actor, now)
                return await estimate(engine, company.pk, scope_kind, scope_id, wanted, now, relist=relist)
        finally:
            await engine.close()

    return asyncio.run(work())
