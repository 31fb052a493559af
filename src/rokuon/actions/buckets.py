"""What an admin does with buckets: registering one, verifying it, a new credential.

Every function checks first and then changes the database in one transaction: what is refused changes nothing. They block, so they fit
a command and a synchronous view alike. `jobs` is asked for work inside the transaction of the rows it concerns.
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
from rokuon.domain.failures import HoldOn
from rokuon.domain.ports import Jobs
from rokuon.ledger import inventory, names
from rokuon.org import services
from rokuon.org.models import Bucket, Company
from rokuon.runtime.installation import Installation
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
    """Verify a bucket and register it; None where the verification failed, and then nothing is registered.

    `patience` is how many seconds a refusal is asked again, because a fresh grant takes minutes to arrive everywhere.
    """
    url = canonical_bucket_url(installation.config, url)
    services.require_free(company, url)
    bucket_overlap.require_apart(company, url)
    _check_credential(installation.config, url, credential)
    verification = _verify(installation, company, url, credential, KnownBucket(), patience, progress)
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
    anew: bool = False,
    patience: float = FRESH_GRANT_S,
    progress: Callable[[OnWait], None] = lambda waiting: None,
) -> Verification:
    """Verify a registered bucket again, with a new credential if one is given, and keep the report.

    Where it succeeds, a new credential is kept and what waited for the bucket goes on. `anew` is `actions.bucket_restart`'s.
    """
    _check_credential(installation.config, bucket.url, credential)
    used = credential if credential is not None else kept_credential(installation, bucket)
    verification = _verify(installation, bucket.company, bucket.url, used, known(bucket), patience, progress, anew=anew)
    with transaction.atomic():
        after: dict[str, Any] = {"ok": verification.ok, "reason": verification.failure.reason if verification.failure is not None else ""}
        if credential is not None and verification.ok:
            after["credential"] = credential_label(bucket.url, credential)
        record(actor, "bucket.verify", bucket.company, now, ("bucket", bucket.pk, bucket.url), after)
        if not verification.ok:
            Bucket.objects.filter(pk=bucket.pk).update(verification=report(verification))
            return verification
        changes = proven(verification, now)
        if credential is not None:
            changes["credential"] = installation.vault.seal(credential.reveal(), owner=bucket_owner(bucket.pk), field=CREDENTIAL)
        Bucket.objects.filter(pk=bucket.pk).update(**changes)
        names.shorten([bucket.pk])
        lift(bucket.company_id, HoldOn.BUCKET, str(bucket.pk), jobs, now)
    return verification


def look_at_bucket(installation: Installation, bucket: Bucket) -> Verification:
    """Whether the bucket can be used, without a change of it and without keeping the answer. Raises ConfigError where its address or
    credential is not usable on this machine."""
    claim, remembered = str(bucket.company.claim), known(bucket)

    async def work() -> Verification:
        store = open_bucket(installation.config, installation.vault, bucket.pk, bucket.url, bucket.credential)
        try:
            return await check(store, company_id=claim, installation_id=installation.identity, known=remembered)
        finally:
            await store.close()

    return asyncio.run(work())


def known(bucket: Bucket) -> KnownBucket:
    """What is remembered of a registered bucket, to recognise it by."""
    return KnownBucket(bucket.identity, inventory.newest_verified(bucket.pk))


def credential_label(url: str, credential: Secret | None) -> str:
    """Names the bucket's own credential and reveals nothing of it; "" for the machine's."""
    return kind_of(url).credential_label(credential.reveal()) if credential is not None else ""


def principal(url: str, credential: Secret | None) -> str:
    """The account that a bucket's own credential speaks for; "" for the machine's."""
    return kind_of(url).principal(credential.reveal()) if credential is not None else ""


def kept_credential(installation: Installation, bucket: Bucket) -> Secret | None:
    """The bucket's own credential, None where the machine's is used. Raises ConfigError where the master key does not open it."""
    if not bucket.credential:
        return None
    return hide(installation.vault.open(bucket.credential, owner=bucket_owner(bucket.pk), field=CREDENTIAL))


def canonical_bucket_url(config: Config, url: str) -> str:
    """The one form under which a bucket is registered. Raises ConfigError for what cannot be a bucket here."""
    return kind_of(url).canonical(url, store_settings(config))


def _verify(
    installation: Installation,
    company: Company,
    url: str,
    credential: Secret | None,
    remembered: KnownBucket,
    patience: float,
    progress: Callable[[OnWait], None],
    *,
    anew: bool = False,
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
                known=remembered,
                anew=anew,
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
