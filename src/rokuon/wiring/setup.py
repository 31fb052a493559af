"""What an admin sets up that needs Dialpad or a store as well as the database: keys, directory, buckets, rules.

Every function checks first and then changes the database in one transaction: what is refused changes nothing. They block, so they fit
a command and a synchronous view alike. `jobs` is asked for work inside the transaction of the rows it concerns.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.config import Config
from rokuon.dialpad.limits import Limits as DialpadLimits
from rokuon.dialpad.pacing import LocalReserver, SlotPacer
from rokuon.dialpad.source import DialpadSource
from rokuon.dialpad.urls import AllowedHosts
from rokuon.domain.failures import ConfigError, HoldOn
from rokuon.domain.ports import Jobs, Source, TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, Directory
from rokuon.ledger import coverage, holds, runs
from rokuon.ledger.gateway import Database
from rokuon.ledger.sql import ms
from rokuon.ops.i18n import _
from rokuon.ops.installation import Installation
from rokuon.ops.secrets import Secret
from rokuon.org import directory as directories
from rokuon.org import services
from rokuon.org.models import Bucket, Company, Target
from rokuon.stores.addresses import FolderAddress, GcsAddress, parse
from rokuon.stores.registry import open_store
from rokuon.stores.verification import FRESH_GRANT_S, Verification, Waiting, verify
from rokuon.wiring import trust
from rokuon.wiring.connections import API_KEY, CREDENTIAL, Connections, bucket_owner, company_owner

T = TypeVar("T")

CHECK_PER_SECOND = 5.0
"""A key is checked before the company has a budget row: slowly enough to leave the company's other integrations alone."""

CHECK_TRIES = 2
SAMPLE_DAYS = 28
SHOWN_OF_ID = 4
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Account:
    """What a key opens. `exports` is whether recent recorded calls name their recordings; None where there was none to see.

    `server_ms` is Dialpad's own clock, epoch milliseconds, where it told.
    """

    directory: Directory
    exports: bool | None
    server_ms: int | None = None


def canonical_base_url(text: str) -> str:
    """The address as it is kept, without a default port. Raises ConfigError for plain http except to this machine."""
    base = AllowedHosts.of(text).base
    return base.removesuffix(":443") if base.startswith("https://") else base.removesuffix(":80")


def check_key(config: Config, base_url: str, key: Secret, now: datetime) -> Account:
    """Read what the key opens, without a trace in the database. Raises the SourceError that says why it does not open it."""
    return asyncio.run(_check_key(config, base_url, key, ms(now)))


async def _check_key(config: Config, base_url: str, key: Secret, now_ms: int) -> Account:
    reserver = LocalReserver(CHECK_PER_SECOND, time.monotonic)
    slots = SlotPacer(reserver.reserve, pause=reserver.pause, clock=time.monotonic)
    source = DialpadSource(
        base_url,
        key.reveal(),
        slots,
        now_ms=lambda: now_ms,
        allow_hosts=config.allowed_media_hosts,
        limits=DialpadLimits(connect=5, answer=20, tries=CHECK_TRIES),
    )
    try:
        return replace(await _account(source, now_ms), server_ms=source.server_ms)
    finally:
        await source.close()


async def _account(source: Source, now_ms: int) -> Account:
    directory = await source.directory()
    recorded = named = 0
    # A first page is enough: it needs the scope calls:list, and shows whether recordings are named.
    async for page in source.pages(COMPANY_SCOPE, TimeRange(now_ms - SAMPLE_DAYS * _DAY_MS, now_ms)):
        recorded += sum(call.was_recorded for call in page.calls)
        named += sum(len(call.recordings) for call in page.calls)
        break
    return Account(directory, (named > 0) if recorded or named else None)


def stored_key(installation: Installation, company: Company) -> Secret:
    """The key that the company has. Raises ConfigError where there is none, or where the master key does not open it."""
    if not company.api_key:
        raise ConfigError(_("The company has no Dialpad API key. Enter one with `rokuon company key`."))
    return installation.vault.open(company.api_key, owner=company_owner(company.pk), field=API_KEY)


def check_stored_key(installation: Installation, company: Company, now: datetime) -> Account:
    """`check_key` with the key that the company has."""
    return check_key(installation.config, company.base_url, stored_key(installation, company), now)


def add_company(
    installation: Installation, base_url: str, key: Secret, actor: Actor, now: datetime
) -> tuple[Company, directories.SyncResult, Account]:
    """Register the company that the key belongs to, with its key sealed and its directory entered; not enabled yet."""
    base_url = canonical_base_url(base_url)
    account = check_key(installation.config, base_url, key, now)
    found = account.directory.company
    with transaction.atomic():
        company = services.create_company(found.name, base_url, found.id)
        _seal_key(installation, company, key)
        result = enter(company.pk, account, now)
        _record(actor, "company.add", company, now, ("company", company.pk, found.name), after={"address": base_url})
    company.refresh_from_db()
    return company, result, account


def set_key(installation: Installation, company: Company, key: Secret, jobs: Jobs, actor: Actor, now: datetime) -> Account:
    """Replace a company's key by another of the same company; what waited for it goes on."""
    account = check_key(installation.config, company.base_url, key, now)
    if account.directory.company.id != company.dialpad_id:
        raise ConfigError(
            _("This key belongs to the company %(other)s, not to %(name)s. Nothing was changed.")
            % {"other": account.directory.company.name, "name": company.name}
        )
    with transaction.atomic():
        _seal_key(installation, company, key)
        enter(company.pk, account, now)
        _lift(company.pk, HoldOn.SOURCE, "", jobs, now)
        _record(actor, "company.key", company, now, ("company", company.pk, company.name))
    return account


def _record(
    actor: Actor, action: str, company: Company, now: datetime, subject: tuple[str, object, str], after: dict[str, Any] | None = None
) -> None:
    audit.record(actor, action, now=now, company_id=company.pk, subject=subject, after=after)


def _seal_key(installation: Installation, company: Company, key: Secret) -> None:
    sealed = installation.vault.seal(key.reveal(), owner=company_owner(company.pk), field=API_KEY)
    Company.objects.filter(pk=company.pk).update(api_key=sealed)


def _lift(company_id: int, on: HoldOn, ref: str, jobs: Jobs, now: datetime) -> None:
    holds.lift(company_id, on, ref, now)
    runs.queue_windows(company_id, now, jobs.enqueue_window)
    jobs.enqueue_due(company_id)


def sync(installation: Installation, company: Company, actor: Actor, now: datetime) -> directories.SyncResult:
    """Read the directory with the company's own key and budget, and enter it."""

    async def read(connections: Connections) -> Account:
        return await _account(await connections.source(company.pk), ms(now))

    account = connected(installation, now, read)
    with transaction.atomic():
        result = enter(company.pk, account, now)
        _record(actor, "directory.sync", company, now, ("company", company.pk, company.name))
    return result


@transaction.atomic
def enter(company_id: int, account: Account, now: datetime) -> directories.SyncResult:
    """Enter what a key was seen to open; what was listed before and may have passed something by is listed again."""
    result = directories.apply(company_id, account.directory, now)
    known = Company.objects.filter(pk=company_id)
    if account.exports is not None and known.exclude(exports=account.exports).update(exports=account.exports):
        # A key that could not see recordings has listed days as complete that are not (S22).
        coverage.void(list(Target.objects.filter(company_id=company_id).values_list("pk", flat=True)))
    # A listing made before somebody joined a team has passed her calls by.
    coverage.void(result.joined)
    return result


def learn_trust(installation: Installation, company: Company, now: datetime) -> None:
    """Before a run over a part of the company: find out, once, whether listing that part alone misses nothing (`wiring.trust`)."""

    async def learn(connections: Connections) -> None:
        await trust.learn_trust(company.pk, await connections.source(company.pk), connections.db, now)

    connected(installation, now, learn)


def connected(installation: Installation, now: datetime, work: Callable[[Connections], Awaitable[T]]) -> T:
    """Run async work on the company's sources and stores, and close what it opened."""

    async def all_of_it() -> T:
        database = Database()
        connections = Connections(installation.config, installation.vault, database, lambda: ms(now))
        try:
            return await work(connections)
        finally:
            await connections.close()
            await database.close()

    return asyncio.run(all_of_it())


def add_bucket(
    installation: Installation,
    company: Company,
    url: str,
    credential: Secret | None,
    actor: Actor,
    now: datetime,
    *,
    patience: float = FRESH_GRANT_S,
    progress: Callable[[Waiting], None] = lambda waiting: None,
) -> tuple[Bucket | None, Verification]:
    """Verify a bucket and register it; None where the verification failed, and then nothing is registered.

    `patience` is how many seconds a refusal is asked again, because a fresh grant takes minutes to arrive everywhere.
    """
    url = canonical_bucket_url(installation.config, url)
    services.require_free(company, url)
    verification = _verify(installation, company, url, credential, patience, progress)
    if not verification.ok:
        return None, verification
    with transaction.atomic():
        bucket = services.register_bucket(company, url)
        if credential is not None:
            bucket.credential = installation.vault.seal(credential.reveal(), owner=bucket_owner(bucket.pk), field=CREDENTIAL)
        bucket.verified_at, bucket.verification = now, report(verification)
        bucket.save(update_fields=["credential", "verified_at", "verification"])
        after = {"url": url, "credential": told_credential(credential)}
        _record(actor, "bucket.register", company, now, ("bucket", bucket.pk, url), after)
    return bucket, verification


def verify_bucket(
    installation: Installation,
    bucket: Bucket,
    jobs: Jobs,
    actor: Actor,
    now: datetime,
    *,
    credential: Secret | None = None,
    patience: float = FRESH_GRANT_S,
    progress: Callable[[Waiting], None] = lambda waiting: None,
) -> Verification:
    """Verify a registered bucket again, with a new credential if one is given, and keep the report.

    Where it succeeds, a new credential is kept and what waited for the bucket goes on.
    """
    used = credential if credential is not None else kept_credential(installation, bucket)
    verification = _verify(installation, bucket.company, bucket.url, used, patience, progress)
    with transaction.atomic():
        after: dict[str, Any] = {"ok": verification.ok, "reason": verification.failure.reason if verification.failure is not None else ""}
        if credential is not None and verification.ok:
            after["credential"] = told_credential(credential)
        _record(actor, "bucket.verify", bucket.company, now, ("bucket", bucket.pk, bucket.url), after)
        if not verification.ok:
            Bucket.objects.filter(pk=bucket.pk).update(verification=report(verification))
            return verification
        changes: dict[str, Any] = {"verified_at": now, "verification": report(verification)}
        if credential is not None:
            changes["credential"] = installation.vault.seal(credential.reveal(), owner=bucket_owner(bucket.pk), field=CREDENTIAL)
        Bucket.objects.filter(pk=bucket.pk).update(**changes)
        _lift(bucket.company_id, HoldOn.BUCKET, str(bucket.pk), jobs, now)
    return verification


def look_at_bucket(installation: Installation, bucket: Bucket) -> Verification:
    """The same without patience and without keeping the answer."""
    return _verify(installation, bucket.company, bucket.url, kept_credential(installation, bucket), 0.0, lambda waiting: None)


def told_credential(credential: Secret | None) -> str:
    """Whose credential it is, in words that give nothing away: the account and the end of its key's public id; "" for the machine's."""
    if credential is None:
        return ""
    try:
        fields = json.loads(credential.reveal())
        return f"{fields['client_email']} …{str(fields.get('private_key_id', ''))[-SHOWN_OF_ID:]}".rstrip(" …")
    except (ValueError, KeyError, TypeError):
        return "?"


def kept_credential(installation: Installation, bucket: Bucket) -> Secret | None:
    """The bucket's own credential, None where the machine's is used. Raises ConfigError where the master key does not open it."""
    if not bucket.credential:
        return None
    return installation.vault.open(bucket.credential, owner=bucket_owner(bucket.pk), field=CREDENTIAL)


def canonical_bucket_url(config: Config, url: str) -> str:
    """The one form under which a bucket is registered. Raises ConfigError for what cannot be a bucket here."""
    address = parse(url, allowed_roots=config.local_roots)
    if isinstance(address, FolderAddress):
        return address.path.as_uri()
    return f"gs://{address.bucket}" if isinstance(address, GcsAddress) else url


def _verify(
    installation: Installation,
    company: Company,
    url: str,
    credential: Secret | None,
    patience: float,
    progress: Callable[[Waiting], None],
) -> Verification:
    config = installation.config

    async def work() -> Verification:
        store = open_store(
            url,
            credential=credential.reveal() if credential is not None else None,
            allowed_roots=config.local_roots,
            gcs_endpoint=config.storage_emulator_host or None,
        )
        try:
            return await verify(
                store,
                company_id=str(company.claim),
                installation_id=installation.identity,
                deadline_s=patience,
                clock=time.monotonic,
                sleep=asyncio.sleep,
                progress=progress,
            )
        finally:
            await store.close()

    return asyncio.run(work())


def report(verification: Verification) -> dict[str, Any]:
    """A verification as it is kept with the bucket: words of `stores.verification`, no sentences."""
    failure = verification.failure
    return {
        "ok": verification.ok,
        "steps": [{"step": done.step.value, "outcome": done.outcome.value} for done in verification.steps],
        "advice": [advice.value for advice in verification.advice],
        "failure": {"reason": failure.reason, "detail": failure.detail} if failure is not None else None,
    }
