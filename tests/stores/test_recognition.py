"""Whether a bucket is the one in which recordings were verified: by its identity, and by what was stored there."""

import asyncio
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rokuon.domain.failures import (
    BucketClaimedByOther,
    BucketObjectsMissing,
    BucketReplaced,
    BucketUnmarked,
    ObjectOccupied,
)
from rokuon.domain.ports import Store, StoredObject
from rokuon.stores import marker
from rokuon.stores.local import LocalStore
from rokuon.stores.marker import Claim
from rokuon.stores.memory import MemoryStore
from rokuon.stores.recognition import KnownBucket, absent, recognise
from rokuon.stores.verification import Advice, StepDone, StepOutcome, Verification, VerificationStep, check, verify
from tests.conformance.harness import body_of

CLAIM = Claim("acme", "i1")
NOW = datetime(2026, 11, 30, 20, 15, 1, tzinfo=UTC)


async def verified(store: Store, known: KnownBucket, *, replaced: bool = False) -> Verification:
    return await verify(
        store,
        company_id="acme",
        installation_id="i1",
        now=NOW,
        known=known,
        replaced=replaced,
        deadline_s=0,
        clock=lambda: 0.0,
        sleep=asyncio.sleep,
    )


async def looked(store: Store, known: KnownBucket) -> Verification:
    return await check(store, company_id="acme", installation_id="i1", known=known)


async def filled(store: Store, count: int = 3) -> list[StoredObject]:
    return [
        await store.put(f"call-recordings/Sales/2026-04-01/a - {at} - r.mp3", body_of(b"%d" % at), content_type="audio/mpeg", metadata={})
        for at in range(count)
    ]


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """The folder where a disk is mounted."""
    folder = tmp_path / "mount"
    folder.mkdir()
    return folder


async def used(folder: Path) -> KnownBucket:
    store = LocalStore(folder)
    first = await verified(store, KnownBucket())
    assert first.ok and first.identity
    objects = await filled(store)
    await store.close()
    return KnownBucket(first.identity, objects)


def unmount(folder: Path) -> Path:
    away = folder.with_name("disk")
    folder.rename(away)
    folder.mkdir()
    return away


async def test_an_empty_mount_point_is_refused_with_how_many_are_missing_and_nothing_is_written(disk: Path) -> None:
    known = await used(disk)
    unmount(disk)
    store = LocalStore(disk)
    found = await verified(store, known)
    assert isinstance(found.failure, BucketObjectsMissing)
    assert (found.failure.detail, found.missing, found.looked_for) == ("3 of 3", 3, 3)
    assert found.steps[-1] == StepDone(VerificationStep.CLAIM, StepOutcome.FAILED)
    assert list(disk.iterdir()) == [], "neither a marker nor a folder"
    await store.close()


async def test_another_disk_of_the_same_company_is_refused_by_its_identity(disk: Path) -> None:
    known = await used(disk)
    unmount(disk)
    assert (await used(disk)).identity != known.identity
    shutil.rmtree(disk / "call-recordings" / "Sales")
    store = LocalStore(disk)
    assert isinstance((await verified(store, known)).failure, BucketObjectsMissing)
    with pytest.raises(BucketReplaced):
        await recognise(store, "acme", known, NOW)
    assert isinstance((await looked(store, known)).failure, BucketObjectsMissing)
    await store.close()


async def test_a_marker_that_was_removed_is_made_again_where_everything_is_still_there(disk: Path) -> None:
    known = await used(disk)
    (disk / marker.CLAIM_FILE).unlink()
    store = LocalStore(disk)
    with pytest.raises(BucketUnmarked):
        await recognise(store, "acme", known, NOW)
    found = await verified(store, known)
    assert (found.ok, found.missing, found.looked_for) == (True, 0, 3)
    assert found.identity not in ("", known.identity)
    assert (await recognise(store, "acme", KnownBucket(found.identity), NOW)).identity == found.identity
    await store.close()


async def test_a_copy_of_the_bucket_with_everything_in_it_becomes_the_bucket(disk: Path) -> None:
    known = await used(disk)
    old = unmount(disk)
    copied = await used(disk)
    shutil.copytree(old / "call-recordings" / "Sales", disk / "call-recordings" / "Sales", dirs_exist_ok=True)
    store = LocalStore(disk)
    found = await verified(store, known)
    assert (found.ok, found.identity) == (True, copied.identity)
    await store.close()


@pytest.mark.parametrize("wrong", ["missing", "shorter", "other bytes", "a folder"])
async def test_what_is_not_there_as_it_was_verified_counts_as_missing(disk: Path, wrong: str) -> None:
    known = await used(disk)
    path = disk / known.objects[1].key
    path.unlink()
    match wrong:
        case "shorter":
            path.write_bytes(b"")
        case "other bytes":
            path.write_bytes(b"x")
        case "a folder":
            path.mkdir()
    store = LocalStore(disk)
    assert await absent(store, known.objects) == 1
    again = await verified(store, known)
    assert (again.ok, again.missing, again.advice) == (True, 1, (Advice.OBJECTS_MISSING,)), "the same bucket may go on, and says so"
    seen = await looked(store, known)
    assert isinstance(seen.failure, BucketObjectsMissing)
    assert seen.failure.detail == "1 of 3"
    (disk / marker.CLAIM_FILE).unlink()
    assert isinstance((await verified(store, known)).failure, BucketObjectsMissing)
    await store.close()


async def test_a_bucket_that_is_started_anew_on_purpose_is_marked(disk: Path) -> None:
    known = await used(disk)
    unmount(disk)
    store = LocalStore(disk)
    found = await verified(store, known, replaced=True)
    assert (found.ok, found.missing, found.advice) == (True, 3, (Advice.OBJECTS_MISSING,))
    assert found.identity not in ("", known.identity)
    await store.close()


async def test_not_even_a_new_start_takes_the_bucket_of_another_company() -> None:
    store = MemoryStore()
    await marker.create(store, Claim("rival", "i9"), "r" * 32, NOW)
    assert isinstance((await verified(store, KnownBucket("a" * 32), replaced=True)).failure, BucketClaimedByOther)
    with pytest.raises(BucketClaimedByOther):
        await recognise(store, "acme", KnownBucket("r" * 32), NOW)


def old_marker(folder: Path) -> bytes:
    """As an earlier version wrote it."""
    (folder / "call-recordings").mkdir()
    text = b'{"rokuon-company": "acme", "rokuon-installation": "i1"}'
    (folder / marker.CLAIM_FILE).write_bytes(text)
    return text


async def test_a_marker_of_an_earlier_version_gets_its_identity_beside_it_and_is_not_touched(disk: Path) -> None:
    before = old_marker(disk)
    store = LocalStore(disk)
    known = KnownBucket("", await filled(store))
    found = await recognise(store, "acme", known, NOW)
    assert found.identity
    assert (disk / marker.CLAIM_FILE).read_bytes() == before
    assert json.loads((disk / marker.IDENTITY_FILE).read_bytes()) == {
        "rokuon-bucket": found.identity,
        "rokuon-made": "2026-11-30T20:15:01Z",
    }
    assert await recognise(store, "acme", KnownBucket(found.identity), NOW) == found
    assert (await verified(store, KnownBucket(found.identity, known.objects))).identity == found.identity
    await store.close()


async def test_an_old_marker_alone_does_not_make_a_mount_point_the_bucket(disk: Path) -> None:
    """What an earlier version left in the folder under a mount: a marker like the disk's own, and none of its recordings."""
    old_marker(disk)
    store = LocalStore(disk)
    known = KnownBucket("", await filled(store))
    unmount(disk)
    old_marker(disk)
    other = LocalStore(disk)
    with pytest.raises(BucketObjectsMissing) as refused:
        await recognise(other, "acme", known, NOW)
    assert refused.value.detail == "3 of 3"
    assert isinstance((await verified(other, known)).failure, BucketObjectsMissing)
    assert not (disk / marker.IDENTITY_FILE).exists()
    for one in (store, other):
        await one.close()


async def test_an_old_folder_object_keeps_its_metadata_and_eight_workers_at_once_agree_on_one_identity() -> None:
    store = MemoryStore()
    fields = {"rokuon-company": "acme", "rokuon-installation": "i1"}
    await store.put(marker.FOLDER, body_of(b""), content_type="application/x-directory", metadata=fields)
    each = (recognise(store, "acme", KnownBucket(), NOW + timedelta(seconds=worker)) for worker in range(8))
    first, *others = await asyncio.gather(*each)
    assert others == [first] * 7, "also on when it was made"
    assert first.identity and first.made
    assert [entry.key async for entry in store.list("")] == [marker.FOLDER, marker.IDENTITY_FILE]
    assert (await store.stat(marker.FOLDER)).metadata == fields  # type: ignore[union-attr]


@pytest.mark.parametrize("text", [b"", b"{]", b"[]", b'{"rokuon-bucket": 7}', b'{"rokuon-bucket": ""}'])
async def test_an_identity_that_cannot_be_read_is_no_identity(disk: Path, text: bytes) -> None:
    old_marker(disk)
    (disk / marker.IDENTITY_FILE).write_bytes(text)
    store = LocalStore(disk)
    with pytest.raises(ObjectOccupied):
        await recognise(store, "acme", KnownBucket(), NOW)
    assert isinstance((await verified(store, KnownBucket())).failure, ObjectOccupied)
    await store.close()


async def test_a_marker_says_when_it_was_made_and_one_that_says_something_else_is_still_this_bucket(disk: Path) -> None:
    store = LocalStore(disk)
    first = await verified(store, KnownBucket())
    assert (first.made, (await marker.find(store) or first).made) == (NOW, NOW)
    text = json.loads((disk / marker.CLAIM_FILE).read_text())
    (disk / marker.CLAIM_FILE).write_text(json.dumps(text | {"rokuon-made": "yesterday"}))
    again = await verified(store, KnownBucket(first.identity))
    assert (again.ok, again.identity, again.made) == (True, first.identity, None)
    await store.close()
