"""A ledger that is older than the seals in its bucket: each opening of the bucket finds it, whatever the dump lacks."""

import asyncio
from datetime import date
from typing import Any

import pytest
from google_crc32c import value as crc32c

from rokuon.actions.custody import NoKeyYet, public_key
from rokuon.custody import chains, look, schedule
from rokuon.custody.models import Issue, Schedule, SealChain, SigningKey
from rokuon.domain.failures import LedgerBehindBucket
from rokuon.domain.ports import Body
from rokuon.ledger.gateway import Database
from rokuon.org import services
from rokuon.stores.memory import MemoryStore
from rokuon.wiring import custody_keys
from rokuon.wiring.custody_keys import replace_key
from tests.custody.sealing import Custody
from tests.custody.stores import BusyStore

DAY = date(2026, 11, 20)


@pytest.fixture
def sealed(custody: Custody) -> Custody:
    custody.recording(1, DAY)
    custody.issue()
    return custody


def open_bucket(custody: Custody, store: Any = None) -> None:
    """Look for unknown seals as each opening of a bucket does."""

    async def work() -> None:
        db = Database()
        try:
            await look.require_known(store or custody.store, lambda: db(chains.known_seals, custody.bucket.pk))
        finally:
            await db.close()

    asyncio.run(work())


@pytest.mark.parametrize("issues", [1, 2])
def test_a_seal_that_another_worker_makes_meanwhile_is_known(sealed: Custody, issues: int) -> None:
    open_bucket(sealed, BusyStore(sealed, issues))
    sealed.issue(BusyStore(sealed, issues))
    assert [one.number for one in Issue.objects.order_by("number")] == list(range(1, 2 * issues + 3))


def test_the_first_seal_that_another_worker_makes_meanwhile_is_known(custody: Custody) -> None:
    custody.recording(1, DAY)
    open_bucket(custody, BusyStore(custody))
    assert SealChain.objects.count() == 1


@pytest.mark.parametrize("why", [chains.MOVED, chains.RESTORED, chains.KEY_LOST])
def test_opening_a_bucket_finds_a_continuation_that_the_ledger_does_not_know(sealed: Custody, why: str) -> None:
    old = SealChain.objects.get()
    sealed.go_on(why)
    sealed.issue()
    open_bucket(sealed)
    SealChain.objects.exclude(pk=old.pk).delete()
    SealChain.objects.update(closed_at=None)
    with pytest.raises(LedgerBehindBucket, match="not in the database"):
        open_bucket(sealed)


def test_a_dump_without_a_key_finds_the_seals_whatever_only_reads(sealed: Custody) -> None:
    SealChain.objects.all().delete()
    SigningKey.objects.all().delete()
    assert custody_keys.known_pair(sealed.vault, sealed.company.pk) is None
    with pytest.raises(NoKeyYet, match="no signing key yet"):
        public_key(sealed.company)
    assert not SigningKey.objects.exists()
    with pytest.raises(LedgerBehindBucket, match="not in the database"):
        open_bucket(sealed)


def test_the_key_that_one_bucket_shows_finds_the_seals_in_the_other_buckets_of_the_company(sealed: Custody) -> None:
    SealChain.objects.all().delete()
    SigningKey.objects.all().delete()
    sealed.go_on(chains.KEY_LOST)
    replace_key(sealed.vault, sealed.company.pk, sealed.now)
    SealChain.objects.all().delete()  # as another bucket of the company, which was sealed with the same key
    with pytest.raises(LedgerBehindBucket, match="not in the database"):
        open_bucket(sealed)
    assert custody_keys.known_pair(sealed.vault, sealed.company.pk) is not None


def test_a_failed_issue_begins_no_chain_so_that_the_next_opening_still_finds_the_seals(sealed: Custody) -> None:
    SealChain.objects.all().delete()
    Schedule.objects.all().delete()
    for _ in range(2):
        with pytest.raises(LedgerBehindBucket):
            open_bucket(sealed)
        schedule.failed(sealed.bucket.pk, LedgerBehindBucket.reason, "", sealed.now)
    assert not SealChain.objects.exists()
    assert (Schedule.objects.get().tries, Schedule.objects.get().reason) == (2, "ledger_behind_bucket")


def test_a_bucket_that_failed_before_its_first_seal_is_tried_again_later_and_not_at_each_tick(custody: Custody) -> None:
    custody.recording(1, DAY)
    assert custody.bucket.pk in schedule.due_buckets(custody.now)
    schedule.failed(custody.bucket.pk, "store_unavailable", "", custody.now)
    assert custody.bucket.pk not in schedule.due_buckets(custody.now)
    custody.issue()
    assert (Schedule.objects.get().tries, Schedule.objects.get().reason) == (0, "")


def test_a_bucket_whose_contents_were_copied_to_another_one_of_the_company_stops_nothing(sealed: Custody) -> None:
    other = services.register_bucket(sealed.company, "memory://copy")
    copy = MemoryStore("copy")
    for key, data in sealed.objects("").items():
        if not key.endswith("/"):
            body = Body(len(data), sealed.sha256(data), crc32c(data), data)
            asyncio.run(copy.put(key, body, content_type="text/plain", metadata={}))
    sealed.bucket, before = other, sealed.bucket
    open_bucket(sealed, copy)
    sealed.bucket = before
    SealChain.objects.all().delete()
    sealed.bucket = other
    with pytest.raises(LedgerBehindBucket, match="not in the database"):
        open_bucket(sealed, copy)
