"""Bucket actions of an admin: register a bucket, verify it, replace its credential.

Every function checks first and then changes the database in one transaction: a refusal changes nothing. They block, so they fit both a
command and a synchronous view. They queue jobs on `jobs` in the transaction of the rows that the jobs are about.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction

from rokuon.accounts.audit import Actor
from rokuon.actions._shared import lift, record
from rokuon.base.logs import hide
from rokuon.base.secrets import Secret
from rokuon.config import Config
from rokuon.domain.failures import HoldOn, InventoryStopped, LedgerBehindBucket
from rokuon.domain.ports import Jobs
from rokuon.ledger import holds, inventory, names
from rokuon.org import services
from rokuon.org.models import Bucket, Company
from rokuon.runtime.installation import Installation
from rokuon.stores.kind import StoreKind
from rokuon.stores.recognition import KnownBucket
from rokuon.stores.registry import kind_of
from rokuon.stores.verification import FRESH_GRANT_S, OnWait, Verification, check, verify
from rokuon.wiring import bucket_overlap
from rokuon.wiring.bucket_report import proven, report
from rokuon.wiring.connections import CREDENTIAL, bucket_owner, open_bucket, store_settings


def add_bucket(
    installation: Installation,
    company: Company,
    url: str,
    credential: Secret | None,
    actor: Actor,
    now: datetime,
    *,
    patience: float = FRESH_GRANT_S,
    progress: Callable[[OnWait], None] = lambda waiting: None,
) -> tuple[Bucket | None, Verification]:
    """Verify a bucket and register it. Return None if the verification failed; then nothing is registered.

    A refusal is tried again for `patience` seconds, because a fresh grant takes minutes to arrive everywhere.
    """
    url = canonical_bucket_url(installation.config, url)
    services.require_free(company, url)
    bucket_overlap.require_apart(company, url)
    _check_credential(installation.config, url, credential)
    verification = _verify(installation, company, url, credential, KnownBucket(), now, patience, progress)
    if not verification.ok:
        return None, verification
    with transaction.atomic():
        bucket_overlap.one_after_the_other(url)
        bucket_overlap.require_apart(company, url)
        bucket = services.register_bucket(company, url)
        if credential is not None:
            bucket.credential = installation.vault.seal(credential.reveal(), owner=bucket_owner(bucket.pk), field=CREDENTIAL)
        bucket.save(update_fields=["credential"])
        Bucket.objects.filter(pk=bucket.pk).update(**proven(verification, now))
        bucket.refresh_from_db()
        after = {"url": url, "credential": credential_label(url, credential)}
        record(actor, "bucket.register", company, now, ("bucket", bucket.pk, url), after)
    return bucket, verification


def verify_bucket(
    installation: Installation,
    bucket: Bucket,
    jobs: Jobs,
    actor: Actor,
    now: datetime,
    *,
    credential: Secret | None = None,
    replaced: bool = False,
    before_resuming: Callable[[], None] = lambda: None,
    patience: float = FRESH_GRANT_S,
    progress: Callable[[OnWait], None] = lambda waiting: None,
) -> Verification:
    """Verify a registered bucket again, with a new credential if one is given, and keep the report.

    On success, keep a new credential and resume the work that waited for the bucket. `replaced` and
    `before_resuming` are for `actions.bucket_restart` only: what the latter enters is in one transaction with the bucket's new identity, so
    that after a crash work resumes with both or with neither.
    """
    _check_credential(installation.config, bucket.url, credential)
    used = credential if credential is not None else kept_credential(installation, bucket)
    verification = _verify(installation, bucket.company, bucket.url, used, known(bucket), now, patience, progress, replaced=replaced)
    with transaction.atomic():
        after: dict[str, Any] = {"ok": verification.ok, "reason": verification.failure.reason if verification.failure is not None else ""}
        if credential is not None and verification.ok:
            after["credential"] = credential_label(bucket.url, credential)
        if verification.ok and bucket.identity not in ("", verification.identity):
            after["identity"] = verification.identity
        record(actor, "bucket.verify", bucket.company, now, ("bucket", bucket.pk, bucket.url), after)
        if not verification.ok:
            Bucket.objects.filter(pk=bucket.pk).update(verification=report(verification))
            return verification
        changes = proven(verification, now)
        if credential is not None:
            changes["credential"] = installation.vault.seal(credential.reveal(), owner=bucket_owner(bucket.pk), field=CREDENTIAL)
        Bucket.objects.filter(pk=bucket.pk).update(**changes)
        before_resuming()
        names.shorten([bucket.pk])
        # A bucket that can be used may still have seals that this database lacks (`rokuon custody continue` or a probe lifts that hold), or
        # lack much of what was verified in it (an inventory lifts it, or a start of the bucket again).
        stays = {LedgerBehindBucket.reason, *(() if replaced else (InventoryStopped.reason,))}
        if not any(holds.is_open(bucket.company_id, HoldOn.BUCKET, str(bucket.pk), reason) for reason in stays):
            lift(bucket.company_id, HoldOn.BUCKET, str(bucket.pk), jobs, now)
    return verification


def look_at_bucket(installation: Installation, bucket: Bucket) -> Verification:
    """Check whether the bucket can be used, without changing it or storing the result. Raises ConfigError if its address or credential is
    not usable on this machine."""
    claim, remembered = str(bucket.company.claim), known(bucket)

    async def work() -> Verification:
        store = open_bucket(installation.config, installation.vault, bucket.pk, bucket.url, bucket.credential)
        try:
            return await check(store, company_id=claim, installation_id=installation.identity, known=remembered)
        finally:
            await store.close()

    return asyncio.run(work())


def known(bucket: Bucket) -> KnownBucket:
    """Return the stored facts that identify a registered bucket."""
    return KnownBucket(bucket.identity, inventory.some_verified(bucket.pk))


def credential_label(url: str, credential: Secret | None) -> str:
    """Describe a bucket's own credential without giving it away; "" for the machine's."""
    return kind_of(url).credential_label(credential.reveal()) if credential is not None else ""


def principal(url: str, credential: Secret | None) -> str:
    """Return the account of a bucket's own credential; "" for the machine's."""
    return kind_of(url).principal(credential.reveal()) if credential is not None else ""


def kept_credential(installation: Installation, bucket: Bucket) -> Secret | None:
    """Return the bucket's own credential, None if the machine's is used. Raises ConfigError if the master key does not open it."""
    if not bucket.credential:
        return None
    return hide(installation.vault.open(bucket.credential, owner=bucket_owner(bucket.pk), field=CREDENTIAL))


def canonical_bucket_url(config: Config, url: str) -> str:
    """Return the normalised URL under which a bucket is registered. Raises ConfigError for a URL that cannot be a bucket here."""
    return kind_of(url).canonical(url, store_settings(config))


def machine_credential(config: Config, kind: StoreKind) -> bool:
    """Whether this machine has a credential of its own for this kind of store, as far as a second's look can tell."""
    return kind.takes_credential and kind.machine_credential(store_settings(config))


def _verify(
    installation: Installation,
    company: Company,
    url: str,
    credential: Secret | None,
    remembered: KnownBucket,
    now: datetime,
    patience: float,
    progress: Callable[[OnWait], None],
    *,
    replaced: bool = False,
) -> Verification:
    config = installation.config

    async def work() -> Verification:
        text = hide(credential).reveal() if credential is not None else None
        store = kind_of(url).open(url, text, store_settings(config))
        try:
            return await verify(
                store,
                company_id=str(company.claim),
                installation_id=installation.identity,
                now=now,
                known=remembered,
                replaced=replaced,
                deadline_s=patience,
                clock=time.monotonic,
                sleep=asyncio.sleep,
                progress=progress,
            )
        finally:
            await store.close()

    return asyncio.run(work())


def _check_credential(config: Config, url: str, credential: Secret | None) -> None:
    if credential is not None:
        kind_of(url).check_credential(hide(credential).reveal(), store_settings(config))
