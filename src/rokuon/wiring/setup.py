"""What an admin sets up that needs Dialpad or a store as well as the database: keys, directory, buckets, rules.

Every function checks first and then changes the database in one transaction: what is refused changes nothing. They block, so they fit
a command and a synchronous view alike. `jobs` is asked for work inside the transaction of the rows it concerns.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from rokuon.accounts import audit
from rokuon.accounts.audit import Actor
from rokuon.accounts.models import Membership
from rokuon.config import Config
from rokuon.dialpad.urls import AllowedHosts
from rokuon.domain.failures import ConfigError, HoldOn
from rokuon.domain.ports import Jobs
from rokuon.ledger import coverage, holds, runs
from rokuon.ledger.gateway import Database
from rokuon.ledger.sql import ms
from rokuon.ops.i18n import _
from rokuon.ops.installation import Installation
from rokuon.ops.logs import hide
from rokuon.ops.secrets import Secret
from rokuon.org import directory as directories
from rokuon.org import services
from rokuon.org.models import Bucket, Company, Target
from rokuon.stores.addresses import FolderAddress, GcsAddress, parse
from rokuon.stores.registry import open_store
from rokuon.stores.verification import FRESH_GRANT_S, Verification, Waiting, look, verify
from rokuon.wiring.connections import API_KEY, CREDENTIAL, Connections, KeyMissing, bucket_owner, company_owner, open_bucket
from rokuon.wiring.key_check import Account, KeyReport, account_of, ending, examine

T = TypeVar("T")

SHOWN_OF_ID = 4


def canonical_base_url(text: str) -> str:
    """The address as it is kept, without a default port. Raises ConfigError for plain http except to this machine."""
    base = AllowedHosts.of(text).base
    return base.removesuffix(":443") if base.startswith("https://") else base.removesuffix(":80")


class KeyOfAnother(ConfigError):
    """The key opens another company than the one for which it was entered."""


def examine_key(config: Config, base_url: str, key: Secret, now: datetime) -> KeyReport:
    """What the key opens, read by read, without a trace in the database; what Dialpad answers is in the report and raises nothing."""
    return examine(config, base_url, hide(key), ms(now))


def stored_key(installation: Installation, company: Company) -> Secret:
    """The key that the company has. Raises KeyMissing, or SecretUnreadable where the master key does not open it."""
    if not company.api_key:
        raise KeyMissing(_("The company has no Dialpad API key. Enter one with `rokuon company key`."))
    return installation.vault.open(company.api_key, owner=company_owner(company.pk), field=API_KEY)


def recheck_key(installation: Installation, company: Company, jobs: Jobs, actor: Actor, now: datetime) -> KeyReport:
    """Try the company's key again and keep what it opens; where every read was answered, what waited for Dialpad goes on."""
    report = examine_key(installation.config, company.base_url, stored_key(installation, company), now)
    with transaction.atomic():
        _keep_report(company.pk, report, now)
        if report.account is not None and report.account.directory.company.id == company.dialpad_id:
            enter(company.pk, report.account, now)
            _lift(company.pk, HoldOn.SOURCE, "", jobs, now)
        _record(actor, "company.key_check", company, now, _named(company), report.kept())
    return report


def add_company(
    installation: Installation, base_url: str, key: Secret, actor: Actor, now: datetime
) -> tuple[Company, directories.SyncResult, Account]:
    """Register the company that the key belongs to, with its key sealed and its directory entered; not enabled yet."""
    base_url = canonical_base_url(base_url)
    report = examine_key(installation.config, base_url, key, now)
    company, result = register_company(installation, base_url, key, report, actor, now)
    return company, result, report.require()


def register_company(
    installation: Installation, base_url: str, key: Secret, report: KeyReport, actor: Actor, now: datetime
) -> tuple[Company, directories.SyncResult]:
    """Register what `examine_key` found. The person who does it becomes company admin, or nobody could go on.

    Raises the report's failure, and CompanyKnown where the company is registered already.
    """
    account = report.require()
    found = account.directory.company
    with transaction.atomic():
        company = services.create_company(found.name, base_url, found.id)
        _seal_key(installation, company, key, report, actor, now)
        result = enter(company.pk, account, now)
        if actor.person is not None:
            Membership.objects.create(person=actor.person, company_id=company.pk, role=Membership.Role.COMPANY_ADMIN, created_at=now)
        after = {"address": base_url, "key": f"…{ending(key)}"}
        _record(actor, "company.add", company, now, _named(company), after)
    company.refresh_from_db()
    return company, result


def set_key(installation: Installation, company: Company, key: Secret, jobs: Jobs, actor: Actor, now: datetime) -> Account:
    """Replace a company's key by another of the same company; what waited for it goes on."""
    report = examine_key(installation.config, company.base_url, key, now)
    return keep_key(installation, company, key, report, jobs, actor, now)


def keep_key(
    installation: Installation, company: Company, key: Secret, report: KeyReport, jobs: Jobs, actor: Actor, now: datetime
) -> Account:
    """`set_key` after `examine_key`. Raises the report's failure, and KeyOfAnother."""
    account = report.require()
    if account.directory.company.id != company.dialpad_id:
        raise KeyOfAnother(
            _("This key belongs to the company %(other)s, not to %(name)s. Nothing was changed.")
            % {"other": account.directory.company.name, "name": company.name}
        )
    with transaction.atomic():
        before = {"key": f"…{company.key_ending}"}
        _seal_key(installation, company, key, report, actor, now)
        enter(company.pk, account, now)
        _lift(company.pk, HoldOn.SOURCE, "", jobs, now)
        # Two keys may end alike: that a new one was entered is told by the entry itself.
        after = {"key": f"…{ending(key)}", **report.kept()}
        _record(actor, "company.key", company, now, _named(company), after, before)
    return account


def _named(company: Company) -> tuple[str, object, str]:
    return "company", company.pk, company.name


def _record(
    actor: Actor,
    action: str,
    company: Company,
    now: datetime,
    subject: tuple[str, object, str],
    after: dict[str, Any] | None = None,
    before: dict[str, Any] | None = None,
) -> None:
    audit.record(actor, action, now=now, company_id=company.pk, subject=subject, before=before, after=after)


def _seal_key(installation: Installation, company: Company, key: Secret, report: KeyReport, actor: Actor, now: datetime) -> None:
    sealed = installation.vault.seal(key.reveal(), owner=company_owner(company.pk), field=API_KEY)
    Company.objects.filter(pk=company.pk).update(
        api_key=sealed, key_ending=ending(key), key_entered_at=now, key_entered_by=actor.name if actor.person is not None else ""
    )
    _keep_report(company.pk, report, now)


def _keep_report(company_id: int, report: KeyReport, now: datetime) -> None:
    Company.objects.filter(pk=company_id).update(key_report={"at": now.isoformat(), **report.kept()})


def _lift(company_id: int, on: HoldOn, ref: str, jobs: Jobs, now: datetime) -> None:
    holds.lift(company_id, on, ref, now)
    runs.queue_windows(company_id, now, jobs.enqueue_window)
    jobs.enqueue_due(company_id)


def sync(installation: Installation, company: Company, actor: Actor, now: datetime) -> directories.SyncResult:
    """Read the directory with the company's own key and budget, and enter it."""

    async def read(connections: Connections) -> Account:
        return await account_of(await connections.source(company.pk), ms(now))

    return enter_synced(company, connected(installation, now, read), actor, now)


@transaction.atomic
def enter_synced(company: Company, account: Account, actor: Actor, now: datetime) -> directories.SyncResult:
    """Enter a directory that was read because it is time, or because somebody asked for it."""
    result = enter(company.pk, account, now)
    after = {"appeared": len(result.appeared), "vanished": len(result.vanished), "renamed": len(result.renamed)}
    _record(actor, "directory.sync", company, now, _named(company), after)
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
    """Whether the bucket can be used, without a change of it and without keeping the answer. Raises ConfigError where its address or
    credential is not usable on this machine."""
    claim = str(bucket.company.claim)

    async def work() -> Verification:
        store = open_bucket(installation.config, installation.vault, bucket.pk, bucket.url, bucket.credential)
        try:
            return await look(store, company_id=claim, installation_id=installation.identity)
        finally:
            await store.close()

    return asyncio.run(work())


def told_credential(credential: Secret | None) -> str:
    """Whose credential it is, in words that give nothing away: the account and the end of its key's public id; "" for the machine's."""
    if credential is None:
        return ""
    fields = _fields(credential)
    return f"{fields.get('client_email', '?')} …{str(fields.get('private_key_id', ''))[-SHOWN_OF_ID:]}".rstrip(" …")


def principal(credential: Secret | None) -> str:
    """The account that a bucket's own credential speaks for; "" for the machine's."""
    return str(_fields(credential).get("client_email", "")) if credential is not None else ""


def _fields(credential: Secret) -> dict[str, Any]:
    try:
        fields = json.loads(credential.reveal())
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def kept_credential(installation: Installation, bucket: Bucket) -> Secret | None:
    """The bucket's own credential, None where the machine's is used. Raises ConfigError where the master key does not open it."""
    if not bucket.credential:
        return None
    return hide(installation.vault.open(bucket.credential, owner=bucket_owner(bucket.pk), field=CREDENTIAL))


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
            credential=hide(credential).reveal() if credential is not None else None,
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
