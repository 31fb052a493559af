"""Custody files, for a person: seal a bucket now, change the company's key, and let the seals go on after something stopped them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from rokuon.accounts.audit import Actor
from rokuon.base.i18n import _
from rokuon.custody import chains, look, sshsig
from rokuon.custody.chains import Continued
from rokuon.custody.issue import Issued
from rokuon.custody.look import ChainEnd, KnownSeals
from rokuon.custody.models import Schedule, SigningKey
from rokuon.domain.failures import ConfigError, CustodyKeyLost, CustodyOccupied, HoldOn, LedgerBehindBucket
from rokuon.domain.ports import Jobs, Store
from rokuon.ledger import holds
from rokuon.org.models import Bucket, Company
from rokuon.runtime.installation import Installation
from rokuon.wiring import custody_issue
from rokuon.wiring.connections import Connections, connected
from rokuon.wiring.custody_keys import known_pair, present_key, replace_key, signing_pair

from . import _shared

_STOPS = [LedgerBehindBucket.reason, CustodyOccupied.reason, CustodyKeyLost.reason]
"""What `continue_seals` passes by."""


class NothingStopped(ConfigError):
    """Nothing is wrong with the seals of the bucket."""


class NoKeyYet(ConfigError):
    """The company has no signing key: its first seal makes it."""


@dataclass(frozen=True, slots=True)
class GoesOn:
    """A new chain. `number` is the seal of `before` that it continues, 0 if none was found. `fingerprint` is the key's, "" if it is still
    the same key."""

    chain: str
    before: str
    number: int
    fingerprint: str


def issue_now(installation: Installation, bucket: Bucket, now: datetime) -> Issued:
    """Seal the bucket, and return the seal. Raises what the store raises, LedgerBehindBucket and CustodyOccupied."""

    async def work(connections: Connections) -> Issued:
        return await custody_issue.make(bucket.pk, connections, installation, now)

    return connected(installation, now, work)


def behind(installation: Installation, bucket: Bucket, now: datetime) -> str:
    """Return how far this database is behind the bucket's seals, "" if it knows them all. One or two requests; nothing is changed. Raises
    what the store raises."""

    async def look_for_newer(connections: Connections) -> str:
        store = await connections.with_unknown_seals(bucket.pk)
        try:
            await look.require_known(store, lambda: connections.db(chains.known_seals, bucket.pk))
        except LedgerBehindBucket as error:
            return error.detail
        return ""

    return connected(installation, now, look_for_newer)


def public_key(company: Company) -> str:
    """Return the public key of the company, in hexadecimal. Raises NoKeyYet."""
    public = present_key(company.pk)
    if not public:
        raise _no_key_yet(company)
    return public


@transaction.atomic
def rotate_key(installation: Installation, company: Company, actor: Actor, now: datetime) -> str:
    """Give the company a new signing key, and return its fingerprint. Raises CustodyKeyLost if the present key is lost: only it can
    announce another, and NoKeyYet."""
    if known_pair(installation.vault, company.pk) is None:
        raise _no_key_yet(company)
    return _new_key(installation, company, actor, now)


def continue_seals(
    installation: Installation, bucket: Bucket, jobs: Jobs, actor: Actor, now: datetime, clock: Callable[[], datetime]
) -> GoesOn:
    """Begin a new chain that continues the last seal of this company in the bucket, also one that this database does not know, and lift the
    hold that asked for it. Blocks until every seal in the bucket is read. A key that this installation cannot use is replaced.

    Raises NothingStopped if nothing is wrong, and what the store raises, also if it is not the bucket that was verified: its seals would
    be taken for missing. No worker need have failed before: what it would find counts.
    """
    held = holds.is_open(bucket.company_id, HoldOn.BUCKET, str(bucket.pk), LedgerBehindBucket.reason)
    failed = Schedule.objects.filter(bucket=bucket, reason__in=_STOPS)

    async def read(connections: Connections) -> tuple[bool, list[ChainEnd]]:
        store = await connections.with_unknown_seals(bucket.pk)
        refused = await _refused(store, lambda: connections.db(chains.known_seals, bucket.pk))
        return refused, await look.ends(store, await connections.db(chains.known_seals, bucket.pk))

    refused, ends = connected(installation, now, read)
    with transaction.atomic():
        last = chains.last_of(bucket.pk, ends)
        lost = _lost(installation, bucket, last)
        if not (refused or lost or held or failed.exists()):
            raise NothingStopped(_("Nothing stops the seals of %(url)s. `rokuon custody status` shows them.") % {"url": bucket.url})
        chains.note(bucket.pk, ends, now)
        fingerprint = _usable_key(installation, bucket.company, actor, now) if lost else ""
        chain = chains.follow(bucket.pk, installation.identity, last, chains.KEY_LOST if lost else chains.RESTORED, now)
        after = {"chain": chain.name, "continues": chain.continues}
        _shared.record(actor, "custody.continue", bucket.company, now, ("bucket", bucket.pk, bucket.url), after)
        if held:
            _shared.lift(bucket.company_id, HoldOn.BUCKET, str(bucket.pk), jobs, clock())
    return GoesOn(chain.name, last.chain if last else "", last.number if last else 0, fingerprint)


async def _refused(store: Store, read_known: Callable[[], Awaitable[KnownSeals]]) -> bool:
    """Whether the next issue would stop at what is in the bucket."""
    try:
        await look.require_known(store, read_known, thorough=True)
    except (LedgerBehindBucket, CustodyOccupied):
        return True
    return False


def _no_key_yet(company: Company) -> NoKeyYet:
    said = _("%(company)s has no signing key yet: its first seal makes it. Make one with `rokuon custody issue`.")
    return NoKeyYet(said % {"company": company.name})


def _lost(installation: Installation, bucket: Bucket, last: Continued | None) -> bool:
    """Whether this installation cannot use the key that has to sign next."""
    row = SigningKey.objects.filter(company=bucket.company, public=last.announced).first() if last else None
    if last is not None and row is None:
        return True
    try:
        known_pair(installation.vault, bucket.company_id, row.pk if row else None)
    except CustodyKeyLost:
        return True
    return False


def _usable_key(installation: Installation, company: Company, actor: Actor, now: datetime) -> str:
    """Return the fingerprint of the company's present key; of a new one if this installation cannot use it."""
    try:
        return sshsig.fingerprint(signing_pair(installation.vault, company.pk).public)
    except CustodyKeyLost:
        return _new_key(installation, company, actor, now)


def _new_key(installation: Installation, company: Company, actor: Actor, now: datetime) -> str:
    fingerprint = sshsig.fingerprint(replace_key(installation.vault, company.pk, now).public)
    _shared.record_of_company(actor, "custody.key", company, now, after={"fingerprint": fingerprint})
    return fingerprint
