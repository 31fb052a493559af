"""Start a bucket again that was replaced or emptied on purpose: mark it again and look for everything that was verified in it.

Some of what was verified is looked for first. If any of it is not there, a person has to say in a note why the bucket is used all the same.

A copy that is missing is no longer verified: it is failed, with its own reason, until it is copied again or explained. If seals are
missing, a new chain of seals begins.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from rokuon.accounts.audit import Actor
from rokuon.base.i18n import _
from rokuon.custody import chains, look
from rokuon.custody.look import ChainEnd
from rokuon.domain.failures import ConfigError, StoreError
from rokuon.domain.ports import Jobs, Store, StoredObject
from rokuon.ledger import inventory
from rokuon.org.models import Bucket
from rokuon.runtime.installation import Installation
from rokuon.stores import marker
from rokuon.stores.verification import Verification, VerificationStep, failed_at
from rokuon.wiring.connections import open_bucket

from . import buckets, failures
from ._shared import record

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Restarted:
    """The result. Of `verified` copies, `missing` ones were not found (or had other bytes under their name) and are now failed. Nothing was
    changed if the verification failed."""

    verification: Verification
    verified: int = 0
    missing: int = 0


class NoteMissing(ConfigError):
    """Recordings that were verified in the bucket are not in it, and nobody has said why it is started again. The text has the figures."""


def restart_bucket(installation: Installation, bucket: Bucket, jobs: Jobs, actor: Actor, now: datetime, note: str = "") -> Restarted:
    """Verify the bucket again and fail missing copies. Blocks until the store has listed everything in it. May be repeated at any time, and
    must be after an interruption. `note` is why a person starts it although recordings are missing; it goes into the audit log.

    Raises NoteMissing, before anything is written, and ConfigError if the address or credential is not usable on this machine.
    """
    note = failures.note(note)
    seen = buckets.look_at_bucket(installation, bucket)
    if seen.missing and not note:
        raise NoteMissing(
            _(
                "%(missing)d of the %(count)d recordings that Rokuon looked for are not there: this is another bucket, or it was emptied "
                "in whole or in part. Write in a note why it is used from now on; nothing was changed."
            )
            % {"missing": seen.missing, "count": seen.looked_for}
        )
    verified = inventory.verified(bucket.pk)
    try:
        _see_all(installation, bucket)
        ends = _seals(installation, bucket)
    except StoreError as failure:
        return Restarted(failed_at(VerificationStep.LIST, failure))
    missing = 0

    def enter_missing() -> None:
        nonlocal missing
        chains.begin_again(bucket.pk, installation.identity, ends, now)
        missing = inventory.take_back(bucket.pk, now, now)
        after = {"verified": verified, "missing": missing, **({"note": note} if note else {})}
        record(actor, "bucket.restart", bucket.company, now, ("bucket", bucket.pk, bucket.url), after)

    # Without a note the verification refuses what the look would have: the look may have failed, or the bucket was emptied since.
    verification = buckets.verify_bucket(
        installation, bucket, jobs, actor, now, replaced=bool(note), patience=0, before_resuming=enter_missing
    )
    return Restarted(verification, verified, missing) if verification.ok else Restarted(verification)


def _see_all(installation: Installation, bucket: Bucket) -> None:
    """Read all objects. Database code must not run on the event loop, so the loop runs for one page at a time."""
    store = open_bucket(installation.config, installation.vault, bucket.pk, bucket.url, bucket.credential)
    inventory.begin()
    with asyncio.Runner() as loop:
        try:
            objects = aiter(store.list(marker.FOLDER))
            while page := loop.run(_page(objects)):
                inventory.see(page)
        finally:
            loop.run(_closed(store))


def _seals(installation: Installation, bucket: Bucket) -> list[ChainEnd]:
    known = chains.known_seals(bucket.pk)
    store = open_bucket(installation.config, installation.vault, bucket.pk, bucket.url, bucket.credential)

    async def read() -> list[ChainEnd]:
        try:
            return await look.ends(store, known)
        finally:
            await store.close()

    return asyncio.run(read())


async def _page(objects: AsyncIterator[StoredObject]) -> list[StoredObject]:
    page = []
    async for one in objects:
        page.append(one)
        if len(page) == _PAGE:
            break
    return page


async def _closed(store: Store) -> None:
    await store.close()
