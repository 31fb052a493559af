"""What an inventory asks of every store: pages after a key, the facts of each object, and what became of one that is gone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from rokuon.domain.bucket_listing import ListedObject
from rokuon.domain.failures import BucketForbidden, StoreUnavailable
from rokuon.domain.ports import Store
from tests.conformance.harness import GcsHarness, Harness, LocalHarness, MemoryHarness, Trouble, body_of

FOLDER = "call-recordings/"
KEY = "call-recordings/サポート/2026-04-07/Ann - 1 - 2.mp3"


async def keys_by_page(store: Store, limit: int, prefix: str = FOLDER) -> list[list[str]]:
    pages: list[list[str]] = []
    after, last = "", False
    while not last:
        page = await store.page(prefix, after, limit)
        last, after = page.last, page.objects[-1].key if page.objects else after
        pages.append([one.key for one in page.objects])
    return pages


async def test_pages_after_a_key_are_whole_and_in_byte_order(harness: Harness) -> None:
    keys = sorted([f"{FOLDER}{name}" for name in ("a/1", "a/2", "a.b", "A/1", "か/1", "😀/1", "\ue000/1", "a b/1")], key=str.encode)
    await harness.seed([*keys, "other/1", "call-recordingsX"])
    pages = await keys_by_page(harness.store, 3)
    assert [key for page in pages for key in page] == keys
    assert all(1 <= len(page) <= 3 for page in pages)
    assert await keys_by_page(harness.store, 1000) == [keys]
    assert [one.key for one in (await harness.store.page(FOLDER, keys[2])).objects] == keys[3:]
    assert await keys_by_page(harness.store, 3, "nothing/") == [[]]


async def test_a_page_that_is_exactly_full_is_followed_by_nothing(harness: Harness) -> None:
    await harness.seed([f"{FOLDER}{number}" for number in range(6)])
    pages = await keys_by_page(harness.store, 3)
    assert [key for page in pages for key in page] == [f"{FOLDER}{number}" for number in range(6)]


async def test_a_page_says_of_an_object_what_its_write_said(store: Store) -> None:
    put = await store.put(KEY, body_of(b"some audio"), content_type="audio/mpeg", metadata={})
    (found,) = (await store.page(FOLDER)).objects
    assert (found.key, found.size, found.version, found.md5) == (KEY, 10, put.version, put.md5)
    assert found.crc32c == (put.crc32c if store.capabilities.stores_checksum else None)


async def test_a_key_that_a_store_never_had_has_no_past(harness: Harness) -> None:
    await harness.seed([KEY])
    assert not await harness.store.noncurrent(KEY + "x")
    assert not await harness.store.soft_deleted(KEY + "x")


async def test_a_folder_says_what_it_does_not_know(tmp_path: Path) -> None:
    folder = LocalHarness()
    await folder.start(tmp_path)
    await folder.seed([KEY])
    (found,) = (await folder.store.page(FOLDER)).objects
    assert found.updated_at is not None and abs(found.updated_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert found == ListedObject(KEY, 1, version=found.version, updated_at=found.updated_at), "everything else is not known"
    assert await folder.store.noncurrent(KEY) is None
    assert await folder.store.soft_deleted(KEY) is None
    await folder.stop()


async def test_memory_has_no_soft_delete() -> None:
    memory = MemoryHarness()
    await memory.start(Path())
    assert await memory.store.soft_deleted(KEY) is None
    await memory.stop()


@pytest.fixture
async def google(tmp_path: Path) -> AsyncIterator[GcsHarness]:
    made = GcsHarness()
    await made.start(tmp_path)
    yield made
    await made.stop()


def delete(google: GcsHarness, key: str = KEY) -> None:
    google.double.bucket.grant("janitor", "objectUser")
    google.double.bucket.delete("janitor", key)


async def test_google_says_class_times_holds_and_changes_of_metadata(google: GcsHarness) -> None:
    await google.seed([KEY])
    thing = google.double.bucket.things[KEY]
    thing.storage_class, thing.metageneration, thing.held = "ARCHIVE", 3, True
    (found,) = (await google.store.page(FOLDER)).objects
    assert (found.storage_class, found.changes, found.held, found.retained_until) == ("ARCHIVE", 3, True, None)
    assert found.created_at is not None and abs(found.created_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_google_names_what_can_be_restored_and_until_when(google: GcsHarness) -> None:
    google.double.bucket.soft_delete_s = 7 * 86_400
    await google.seed([KEY, KEY + "x"])
    delete(google)
    delete(google, KEY + "x")
    (found,) = await google.store.soft_deleted(KEY) or []
    assert (found.key, found.size, found.version) == (KEY, 1, "1")
    assert found.deleted_at is not None and found.restorable_until == found.deleted_at + timedelta(days=7)
    assert await google.store.noncurrent(KEY) == []


async def test_google_names_noncurrent_versions_the_newest_first(google: GcsHarness) -> None:
    google.double.bucket.versioning = True
    await google.seed([KEY])
    delete(google)
    google.double.bucket.writes.clear()
    await google.seed([KEY])
    delete(google)
    assert [one.version for one in await google.store.noncurrent(KEY) or []] == ["2", "1"]


async def test_a_live_object_is_none_of_its_own_past(google: GcsHarness) -> None:
    google.double.bucket.versioning = True
    await google.seed([KEY])
    assert await google.store.noncurrent(KEY) == []


async def test_where_soft_delete_is_off_what_was_deleted_is_not_known(google: GcsHarness) -> None:
    await google.seed([KEY])
    delete(google)
    assert await google.store.soft_deleted(KEY) is None


async def test_a_page_is_refused_without_the_right_to_list(google: GcsHarness) -> None:
    await google.cause(Trouble.NO_GRANT)
    with pytest.raises(BucketForbidden):
        await google.store.page(FOLDER)


_NO_TIME = {"items": [{"name": "a", "generation": "1", "timeCreated": "x"}]}


@pytest.mark.parametrize("broken", [{"items": [{"name": "a"}]}, {"items": 3}, _NO_TIME])
async def test_an_answer_that_is_no_list_of_objects_is_no_answer(
    google: GcsHarness, broken: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.simulators.gcs.server._resource", lambda *given: web.json_response(broken))
    with pytest.raises(StoreUnavailable):
        await google.store.page(FOLDER)
