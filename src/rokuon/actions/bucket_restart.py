"""A bucket that was replaced or emptied on purpose is started again: marked anew, and everything that was verified in it looked for.

What is not there any more is no longer called verified: it is failed, with its own reason, until it is copied again or explained.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.domain.failures import StoreError
from rokuon.domain.ports import Jobs, Store, StoredObject
from rokuon.ledger import inventory, names
from rokuon.org.models import Bucket
from rokuon.runtime.installation import Installation
from rokuon.stores import marker
from rokuon.stores.verification import Verification, VerificationStep, failed_at
from rokuon.wiring.connections import open_bucket

from . import buckets

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Restarted:
    """Of `verified` copies, so many were `missing` (or other bytes stood under their name) and are failed now. Nothing was changed where
    the verification did not succeed."""

    verification: Verification
    verified: int = 0
    missing: int = 0


def restart_bucket(installation: Installation, bucket: Bucket, jobs: Jobs, actor: Actor, now: datetime) -> Restarted:
    """Blocks for as long as the store takes to list all that is in it. May be run again at any time, and must be where it was broken off.

    Raises ConfigError where the address or credential is not usable on this machine.
    """
    verified = inventory.verified(bucket.pk)
    try:
        _see_all(installation, bucket)
    except StoreError as failure:
        return Restarted(failed_at(VerificationStep.LIST, failure))
    verification = buckets.verify_bucket(installation, bucket, jobs, actor, now, anew=True, patience=0)
    if not verification.ok:
        return Restarted(verification)
    with transaction.atomic():
        missing = inventory.take_back(bucket.pk, now, now)
        names.shorten([bucket.pk])
        after = {"verified": verified, "missing": missing}
        audit.record(actor, "bucket.restart", now=now, company_id=bucket.company_id, subject=("bucket", bucket.pk, bucket.url), after=after)
    return Restarted(verification, verified, missing)


def _see_all(installation: Installation, bucket: Bucket) -> None:
    """Database code is not for the event loop, so the loop runs for a page at a time."""
    store = open_bucket(installation.config, installation.vault, bucket.pk, bucket.url, bucket.credential)
    inventory.begin()
    with asyncio.Runner() as loop:
        try:
            objects = aiter(store.list(marker.FOLDER))
            while page := loop.run(_page(objects)):
                inventory.see(page)
        finally:
            loop.run(_closed(store))


async def _page(objects: AsyncIterator[StoredObject]) -> list[StoredObject]:
    page = []
    async for one in objects:
        page.append(one)
        if len(page) == _PAGE:
            break
    return page


async def _closed(store: Store) -> None:
    await store.close()
