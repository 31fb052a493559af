"""Open sources and stores of a process, opened with the settings in the database and reopened when these change.

A rotated key or credential takes effect with the next job, without a restart: the cache is keyed by the encrypted text.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from rokuon.base.i18n import _
from rokuon.base.logs import hide
from rokuon.base.secrets import Vault
from rokuon.config import Config
from rokuon.custody.chains import known_seals
from rokuon.custody.look import require_known
from rokuon.dialpad.limits import ClientLimits as DialpadLimits
from rokuon.dialpad.pacing import SlotPacer, UnpacedSlots
from rokuon.dialpad.source import DialpadSource
from rokuon.domain.failures import BucketUnusable, ConfigError, LedgerBehindBucket, StoreError, StoreThrottled, StoreUnavailable
from rokuon.domain.ports import SendSlots, Source, Store
from rokuon.domain.settings import MediaCharge
from rokuon.ledger import inventory
from rokuon.ledger.gateway import Database
from rokuon.ledger.sql import at, ms
from rokuon.org import budget, ranges
from rokuon.org.models import Bucket, Company
from rokuon.runtime.installation import Installation
from rokuon.stores.kind import StoreSettings
from rokuon.stores.marker import Marker
from rokuon.stores.recognition import KnownBucket, recognise
from rokuon.stores.registry import kind_of

log = logging.getLogger(__name__)

T = TypeVar("T")

API_KEY, CREDENTIAL = "api_key", "credential"
"""Field names with which secrets are encrypted: an encrypted text moved to another row or field cannot be decrypted (base.secrets)."""


class KeyMissing(ConfigError):
    """The company has no API key yet."""


def company_owner(company_id: int) -> str:
    return f"company:{company_id}"


def bucket_owner(bucket_id: int) -> str:
    return f"bucket:{bucket_id}"


@dataclass(frozen=True, slots=True)
class _CompanyFacts:
    base_url: str
    sealed_key: str
    media_charge: str
    paced: bool


@dataclass(frozen=True, slots=True)
class _BucketFacts:
    url: str
    sealed_credential: str
    claim: str
    identity: str


class Connections:
    """Opens and keeps sources by company and stores by bucket. `now_ms` is epoch milliseconds."""

    def __init__(self, config: Config, vault: Vault, db: Database, now_ms: Callable[[], int]) -> None:
        self._config, self._vault, self.db, self._now_ms = config, vault, db, now_ms
        self._sources: dict[tuple[int, budget.Lane], tuple[_CompanyFacts, DialpadSource]] = {}
        self._stores: dict[int, tuple[_BucketFacts, Store]] = {}
        self._replaced: list[Source | Store] = []
        self._opening = asyncio.Lock()

    async def source(self, company_id: int, lane: budget.Lane = "bulk") -> DialpadSource:
        """Return the company's source. Raises KeyMissing, or SecretUnreadable if this installation cannot decrypt the key."""
        facts = await self.db(_company_facts, company_id)
        async with self._opening:
            known = self._sources.get((company_id, lane))
            if known is None or known[0] != facts:
                self._replaced += [known[1]] if known else []  # jobs in flight finish with it
                self._sources[company_id, lane] = (facts, self._open_source(company_id, facts, lane))
            return self._sources[company_id, lane][1]

    async def sweeping(self, company_id: int) -> Source:
        """Return the company's source for a sweep: listing uses a small share of the budget, fetching the usual one."""
        return _Sweeping(await self.source(company_id, "sweep"), await self.source(company_id, "bulk"))

    def _open_source(self, company_id: int, facts: _CompanyFacts, lane: budget.Lane) -> DialpadSource:
        if not facts.sealed_key:
            raise KeyMissing(_("The company has no Dialpad API key. Enter one with `rokuon company key`."))
        key = hide(self._vault.open(facts.sealed_key, owner=company_owner(company_id), field=API_KEY))
        return DialpadSource(
            facts.base_url,
            key.reveal(),
            self._slots(company_id, lane) if facts.paced else UnpacedSlots(time.monotonic),
            now_ms=self._now_ms,
            allow_hosts=self._config.allowed_media_hosts,
            charge=MediaCharge(facts.media_charge),
            limits=DialpadLimits(recording=self._config.max_recording_bytes),
            range_ignored=lambda kind, bound: self.db(ranges.note, company_id, kind, bound, at(self._now_ms())),
        )

    def _slots(self, company_id: int, lane: budget.Lane) -> SendSlots:
        return SlotPacer(
            lambda count: self._reserve(company_id, count, lane),
            pause=lambda seconds, asked: self.db(budget.slow_down, company_id, seconds, asked),
            clock=time.monotonic,
        )

    async def _reserve(self, company_id: int, count: int, lane: budget.Lane) -> Sequence[float]:
        while True:
            if slots := await self.db(budget.reserve, company_id, count, lane):
                return slots
            await asyncio.sleep(await self.db(budget.sweep_waits, company_id))

    async def store(self, bucket_id: int) -> Store:
        """Return the store of a bucket. Raises BucketUnusable if its URL or credential is not usable on this machine, and what
        `stores.recognition.recognise` raises if it is not the bucket that was verified. Raises LedgerBehindBucket if its seals are newer
        than this database.

        Without that check, recordings would be written into the empty mount point of an unmounted disk.
        """
        facts = await self.db(_bucket_facts, bucket_id)
        async with self._opening:
            known = self._stores.get(bucket_id)
            if known is None or known[0] != facts:
                store = self._opened(bucket_id, facts)
                self._replaced += [known[1]] if known else []
                self._stores.pop(bucket_id, None)
                try:
                    identity = await self._recognised(bucket_id, store, facts)
                    await self._require_known_seals(bucket_id, store)
                except BaseException:
                    self._replaced.append(store)
                    raise
                self._stores[bucket_id] = (replace(facts, identity=identity), store)
            return self._stores[bucket_id][1]

    async def _require_known_seals(self, bucket_id: int, store: Store) -> None:
        """Raise LedgerBehindBucket if the bucket has seals that are newer than this database. Seals that may not be read stop nothing:
        recordings may still be stored, and the custody job says why it fails."""
        try:
            await require_known(store, lambda: self.db(known_seals, bucket_id))
        except (LedgerBehindBucket, StoreUnavailable, StoreThrottled):
            raise
        except StoreError as error:
            log.warning("seals_not_read", extra={"bucket": bucket_id, "reason": error.reason, "detail": error.detail})

    async def with_unknown_seals(self, bucket_id: int) -> Store:
        """Return the store of a bucket also if its seals are newer than this database, to read them. Open as long as these connections;
        otherwise like `store`."""
        facts = await self.db(_bucket_facts, bucket_id)
        store = self._opened(bucket_id, facts)
        self._replaced.append(store)
        await self._recognised(bucket_id, store, facts)
        return store

    def _opened(self, bucket_id: int, facts: _BucketFacts) -> Store:
        try:
            return self.open_store(bucket_id, facts.url, facts.sealed_credential)
        except ConfigError as error:
            raise BucketUnusable("its address or credential is not accepted by this installation") from error

    async def _recognised(self, bucket_id: int, store: Store, facts: _BucketFacts) -> str:
        """Return the bucket's identity, and store it if none was stored."""
        objects = [] if facts.identity else await self.db(inventory.some_verified, bucket_id)
        found = await recognise(store, facts.claim, KnownBucket(facts.identity, objects), at(self._now_ms()))
        if not facts.identity:
            await self.db(_remember, bucket_id, found)
        return found.identity

    def forget_store(self, bucket_id: int) -> None:
        """Make the next job open the bucket again; jobs in flight keep the old store."""
        if known := self._stores.pop(bucket_id, None):
            self._replaced.append(known[1])

    def open_store(self, bucket_id: int, url: str, sealed_credential: str) -> Store:
        return open_bucket(self._config, self._vault, bucket_id, url, sealed_credential)

    async def close(self) -> None:
        sources = [source for _, source in self._sources.values()]
        stores = [store for _, store in self._stores.values()]
        for connection in [*sources, *stores, *self._replaced]:
            await connection.close()


def open_bucket(config: Config, vault: Vault, bucket_id: int, url: str, sealed_credential: str) -> Store:
    """Return the store of a registered bucket, without checking its contents. Raises ConfigError if this machine cannot use it."""
    credential = None
    if sealed_credential:
        credential = hide(vault.open(sealed_credential, owner=bucket_owner(bucket_id), field=CREDENTIAL)).reveal()
    return kind_of(url).open(url, credential, store_settings(config))


def store_settings(config: Config) -> StoreSettings:
    return StoreSettings(config.local_roots, config.storage_emulator_host or None)


class _Sweeping:
    """Lists with one source and fetches with another. The code that opened them closes both."""

    def __init__(self, listing: Source, audio: Source) -> None:
        self.pages, self.directory = listing.pages, listing.directory
        self.open = audio.open

    async def close(self) -> None:
        return


def _company_facts(company_id: int) -> _CompanyFacts:
    company = Company.objects.only("base_url", "api_key", "media_charge", "requests_per_second").get(pk=company_id)
    paced = company.requests_per_second < budget.UNPACED
    return _CompanyFacts(company.base_url, company.api_key, company.media_charge, paced)


def _bucket_facts(bucket_id: int) -> _BucketFacts:
    bucket = Bucket.objects.select_related("company").only("url", "credential", "identity", "company__claim").get(pk=bucket_id)
    return _BucketFacts(bucket.url, bucket.credential, str(bucket.company.claim), bucket.identity)


def _remember(bucket_id: int, found: Marker) -> None:
    Bucket.objects.filter(pk=bucket_id, identity="").update(identity=found.identity, marked_at=found.made)


def connected(installation: Installation, now: datetime, work: Callable[[Connections], Awaitable[T]]) -> T:
    """Run async work on sources and stores, and close all that it opened."""

    async def all_of_it() -> T:
        database = Database()
        connections = Connections(installation.config, installation.vault, database, lambda: ms(now))
        try:
            return await work(connections)
        finally:
            await connections.close()
            await database.close()

    return asyncio.run(all_of_it())
