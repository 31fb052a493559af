"""Bucket verification: what it finds out, what it says, and what it leaves behind."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rokuon.cli import bucket as bucket_command
from rokuon.domain.failures import (
    BucketBilling,
    BucketClaimedByOther,
    BucketCredentialRefused,
    BucketForbidden,
    BucketMissing,
    ObjectDiffers,
    ObjectOccupied,
    StoreThrottled,
    StoreUnavailable,
)
from rokuon.domain.ports import Store, StoredObject
from rokuon.stores import marker
from rokuon.stores.gcs import GcsStore
from rokuon.stores.google_key import service_account
from rokuon.stores.local import LocalStore
from rokuon.stores.marker import Claim
from rokuon.stores.memory import MemoryStore
from rokuon.stores.verification import SENTENCES, Advice, OnWait, StepDone, StepOutcome, Verification, VerificationStep, verify
from tests.conformance.harness import body_of
from tests.simulators.gcs import Fault, GcsDouble, Op

WHO = "backup@p.iam.gserviceaccount.com"
ALL_DONE = tuple(StepDone(step, StepOutcome.DONE) for step in VerificationStep)


class World:
    """A double whose clock moves only when someone sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.double = GcsDouble(clock=lambda: self.now)
        self.waits: list[OnWait] = []

    async def sleep(self, seconds: float, /) -> None:
        self.now += seconds

    def open(self, *roles: str, after: float = 0, who: str = WHO) -> GcsStore:
        key = self.double.service_account(who, *roles, after=after)
        self.store = GcsStore(self.double.bucket_name, service_account(key, self.double.url), endpoint=self.double.url, sleep=self.sleep)
        return self.store

    async def verify(self, store: Store, company: str = "acme", installation: str = "i1", deadline_s: float = 420) -> Verification:
        return await verify(
            store,
            company_id=company,
            installation_id=installation,
            now=datetime(2026, 11, 30, tzinfo=UTC),
            deadline_s=deadline_s,
            clock=lambda: self.now,
            sleep=self.sleep,
            progress=self.waits.append,
        )


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    await made.double.start()
    yield made
    if hasattr(made, "store"):
        await made.store.close()
    await made.double.stop()


async def test_the_bucket_shows_an_empty_folder_and_nothing_else(world: World) -> None:
    found = await world.verify(world.open("objectCreator", "objectViewer"))
    assert (found.failure, found.steps, found.advice) == (None, ALL_DONE, ())
    assert (found.marker_key, found.claim) == ("call-recordings/", Claim("acme", "i1"))
    assert list(world.double.bucket.things) == ["call-recordings/"]
    assert world.double.bucket.things["call-recordings/"].data == b""
    assert world.waits == []


async def test_only_what_a_backup_needs_is_asked_of_the_bucket(world: World) -> None:
    await world.verify(world.open("objectCreator", "objectViewer"))
    assert {entry.op for entry in world.double.log} <= {Op.TOKEN, Op.LIST, Op.STAT, Op.MEDIA, Op.UPLOAD, Op.PERMISSIONS}
    assert {entry.status for entry in world.double.log} <= {200, 404, 416}


@pytest.mark.parametrize("kind", ["memory", "local"])
async def test_other_stores_are_verified_the_same_way(kind: str, tmp_path: Path, world: World) -> None:
    store: Store = MemoryStore() if kind == "memory" else LocalStore(tmp_path)
    for outcome in (StepOutcome.DONE, StepOutcome.FOUND):
        found = await world.verify(store)
        assert found.ok
        assert found.steps[1] == StepDone(VerificationStep.CLAIM, outcome)
    assert [entry.key async for entry in store.list("")] == [found.marker_key]
    assert found.marker_key in marker.KEYS
    if kind == "local":
        assert json.loads((tmp_path / "call-recordings/.rokuon").read_text()) == {
            "rokuon-company": "acme",
            "rokuon-installation": "i1",
            "rokuon-bucket": found.identity,
            "rokuon-made": "2026-11-30T00:00:00Z",
        }
    await store.close()


async def test_verifying_again_finds_our_own_marker(world: World) -> None:
    store = world.open("objectCreator", "objectViewer")
    await world.verify(store)
    again = await world.verify(store)
    assert again.ok
    assert again.steps[1] == StepDone(VerificationStep.CLAIM, StepOutcome.FOUND)
    assert world.double.bucket.generations == 1


async def test_a_bucket_of_another_company_is_refused_and_named(world: World) -> None:
    store = world.open("objectUser")
    await world.verify(store, company="acme")
    other = await world.verify(store, company="rival")
    assert isinstance(other.failure, BucketClaimedByOther)
    assert other.steps[-1] == StepDone(VerificationStep.CLAIM, StepOutcome.FAILED)
    assert other.claim == Claim("acme", "i1")
    assert world.double.bucket.generations == 1


async def test_another_installation_of_the_same_company_is_told(world: World) -> None:
    store = world.open("objectCreator", "objectViewer")
    await world.verify(store)
    found = await world.verify(store, installation="i2")
    assert found.ok
    assert found.advice == (Advice.OTHER_INSTALLATION,)


async def test_a_folder_that_somebody_made_by_hand_is_claimed_by_a_file_inside(world: World) -> None:
    store = world.open("objectUser")
    await store.put("call-recordings/", body_of(b""), content_type="text/plain", metadata={})
    found = await world.verify(store)
    assert (found.failure, found.marker_key) == (None, "call-recordings/.rokuon")
    again = await world.verify(store, company="rival")
    assert isinstance(again.failure, BucketClaimedByOther)


async def test_a_claim_stands_also_when_the_folder_object_is_removed(world: World) -> None:
    store = world.open("objectUser")
    await store.put("call-recordings/", body_of(b""), content_type="text/plain", metadata={})
    await world.verify(store)
    del world.double.bucket.things["call-recordings/"]
    assert isinstance((await world.verify(store, company="rival")).failure, BucketClaimedByOther)


async def test_a_claim_file_that_cannot_be_read_is_nobodys(world: World, tmp_path: Path) -> None:
    (tmp_path / "call-recordings").mkdir()
    (tmp_path / "call-recordings/.rokuon").write_text("{]")
    store = LocalStore(tmp_path)
    assert isinstance((await world.verify(store)).failure, ObjectOccupied)
    await store.close()


async def test_extra_rights_are_advice_and_no_obstacle(world: World) -> None:
    found = await world.verify(world.open("objectUser"))
    assert found.ok
    assert found.advice == (Advice.MAY_DELETE, Advice.MAY_UPDATE)


async def test_a_credential_that_may_only_create_is_refused_and_has_written_nothing(world: World) -> None:
    found = await world.verify(world.open("objectCreator"), deadline_s=10)
    assert isinstance(found.failure, BucketForbidden)
    assert found.advice == (Advice.LACKS_GET, Advice.LACKS_LIST)
    assert found.steps == (StepDone(VerificationStep.LIST, StepOutcome.FAILED),)
    assert world.double.bucket.things == {}


async def test_a_credential_that_may_only_view_is_refused(world: World) -> None:
    found = await world.verify(world.open("objectViewer"), deadline_s=10)
    assert isinstance(found.failure, BucketForbidden)
    assert found.advice == (Advice.LACKS_CREATE,)
    assert found.steps[-1] == StepDone(VerificationStep.CLAIM, StepOutcome.FAILED)


async def test_a_fresh_grant_is_waited_out_and_the_wait_is_told(world: World) -> None:
    found = await world.verify(world.open("objectCreator", "objectViewer", after=180))
    assert found.ok
    assert world.now - 1000 >= 180
    first = world.waits[0]
    assert isinstance(first.failure, BucketForbidden)
    assert first == OnWait(VerificationStep.LIST, 0, 2, first.failure, (Advice.LACKS_CREATE, Advice.LACKS_GET, Advice.LACKS_LIST))
    assert world.waits[-1].waited_s < 180


async def test_the_wait_ends_at_the_deadline(world: World) -> None:
    found = await world.verify(world.open("objectUser", after=10_000))
    assert isinstance(found.failure, BucketForbidden)
    assert 300 < world.now - 1000 <= 420
    assert world.double.bucket.things == {}


async def test_a_missing_bucket_is_told_at_once_and_not_made(world: World) -> None:
    store = world.open("objectUser")
    world.double.bucket.exists = False
    assert isinstance((await world.verify(store)).failure, BucketMissing)
    assert world.waits == []
    assert not world.double.bucket.exists


async def test_billing_and_credentials_are_told_at_once(world: World) -> None:
    store = world.open("objectUser")
    world.double.bucket.billing = False
    assert isinstance((await world.verify(store)).failure, BucketBilling)
    world.double.accounts.expire_all()
    world.double.accounts.principals.clear()
    assert isinstance((await world.verify(store)).failure, BucketCredentialRefused)
    assert world.waits == []


async def test_a_passing_trouble_is_tried_three_times_and_then_told(world: World) -> None:
    store = world.open("objectUser")
    world.double.fail(Fault(Op.LIST, status=503, times=8))
    assert (await world.verify(store)).ok
    world.double.fail(Fault(Op.LIST, status=503, times=9))
    assert isinstance((await world.verify(store)).failure, StoreUnavailable)


async def test_the_store_s_own_waiting_time_is_kept(world: World) -> None:
    world.double.fail(Fault(Op.LIST, status=429, retry_after="90"))
    assert (await world.verify(world.open("objectUser"))).ok
    assert world.waits[0].next_try_s == 90
    world.double.fail(Fault(Op.LIST, status=429, retry_after="500"))
    assert isinstance((await world.verify(world.store)).failure, StoreThrottled)


async def test_a_lost_answer_to_the_marker_is_success(world: World) -> None:
    world.double.fail(Fault(Op.UPLOAD, lose_answer=True))
    assert (await world.verify(world.open("objectCreator", "objectViewer"))).ok
    assert world.double.bucket.generations == 1


async def test_a_store_that_gives_back_something_else_fails_verification(world: World) -> None:
    store = MemoryStore()
    await store.put("call-recordings/", body_of(b""), content_type="", metadata={})
    lying = body_of(b'{"rokuon-company": "acme", "rokuon-installation": "i1"}')

    class Rotten(MemoryStore):
        async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
            async for piece in store.read(key, start, end):
                yield piece[:-1] + b" }"

    rotten = Rotten()
    rotten._objects = store._objects
    await store.put("call-recordings/.rokuon", lying, content_type="", metadata={})
    assert isinstance((await world.verify(rotten)).failure, ObjectDiffers)


async def test_a_retention_policy_is_no_obstacle(world: World) -> None:
    world.double.bucket.retention_s, world.double.bucket.retention_locked = 3600, True
    store = world.open("objectUser")
    assert (await world.verify(store)).ok
    assert (await world.verify(store)).ok


async def test_rights_that_the_store_does_not_tell_are_said_to_be_unknown(world: World) -> None:
    world.double.fail(Fault(Op.PERMISSIONS, status=503, times=3))
    found = await world.verify(world.open("objectUser"))
    assert found.ok
    assert found.advice == (Advice.RIGHTS_UNKNOWN,)


def test_every_step_and_advice_has_a_sentence() -> None:
    assert set(SENTENCES) == {*VerificationStep, *Advice}


class Refusing(MemoryStore):
    """A folder of someone else: nobody is going to grant anything."""

    async def list(self, prefix: str, after: str = "") -> AsyncIterator[StoredObject]:
        raise BucketForbidden("EACCES")
        yield


async def test_a_folder_that_refuses_is_told_at_once(world: World) -> None:
    found = await world.verify(Refusing())
    assert isinstance(found.failure, BucketForbidden)
    assert world.waits == []


@pytest.mark.parametrize(
    ("fault", "says", "not_says"),
    [
        (Fault(Op.LIST, status=503), "could not be reached or answered with an error: 503", "grant"),
        (Fault(Op.LIST, status=408), "could not be reached or answered with an error: 408", "grant"),
        (Fault(Op.LIST, reset_after=0), "could not be reached or answered with an error", "grant"),
        (Fault(Op.LIST, status=429), "asked to slow down", "grant"),
        (Fault(Op.LIST, status=403, reason="forbidden"), "After a fresh grant", "slow down"),
    ],
)
async def test_only_a_refusal_is_called_a_fresh_grant(
    world: World, capsys: pytest.CaptureFixture[str], fault: Fault, says: str, not_says: str
) -> None:
    store = world.open("objectUser")
    world.double.fail(replace(fault, times=8))
    await world.verify(store)
    for waiting in world.waits:
        bucket_command._waiting(waiting)
    said = capsys.readouterr().err
    assert says in said
    assert not_says not in said
