"""What every store promises, put to every store. To add one, add its harness to `HARNESSES`: nothing here knows which store it tests.

What a store cannot do is decided by its `capabilities`; which troubles can befall it, by its harness's `causes`.
"""

import asyncio
import os
from base64 import b64encode
from contextlib import suppress
from hashlib import md5
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from rokuon.domain.failures import (
    BucketBilling,
    BucketCredentialRefused,
    BucketForbidden,
    BucketMissing,
    ChecksumRefused,
    ObjectExists,
    ObjectMissing,
    ObjectNameRefused,
    StoreError,
    StoreThrottled,
    StoreUnavailable,
)
from rokuon.domain.ports import LONGEST_LINK_S, Body, Store, StoredObject

from .harness import HARNESSES, Harness, Trouble, body_of, spooled

KIB, MIB = 1024, 1024 * 1024
KEY = "call-recordings/東京サポート/2026-04-01/山田 太郎 - 5012345678901234 - 6755399441055744.mp3"
METADATA = {"rokuon-recording": "6755399441055744", "rokuon-sha256": "0" * 64, "rokuon-call": "5012345678901234"}
SMALL, IN_PIECES = 300 * KIB, 9 * MIB

# The expected outputs of docs/design/bucket-layout.md, as they stand in a key.
NAMES = [
    "山田 太郎",
    "佐藤　花子",
    "髙橋 﨑子",
    "辻\U000e0100 一郎",
    "神田",
    "ｶﾌﾞｼｷ ﾀﾛｳ",
    "㈱サポート",
    "が",
    "営業／サポート",
    "．.／..／etc／passwd",
    "．.＼..＼etc",
    "．",
    "．．",
    "unknown-agent",
    "Ann e X： y",
    "evilgpj.exe",
    "سارة أحمد",
    "דנה כהן",
    "👩‍💻 Agent",
    "🏴 UK",
    "CON_",
    "nul_.txt",
    "COM1 受付",
    "名前．",
    "Tom．",
    "a＃b［c］＊？d",
    "C：＼Users＼x",
    "100％ 満足",
    "O'Neil, ＂Bob＂ ＜b@x＞",
    "A" * 111 + "~4daeb9ac",
    "あ" * 37 + "~74584a8c",
    "Tanaka - 123 - 999",
    # Not outputs of the rules, but legal, and each breaks a client that forgets to quote.
    "a%2Fb",
    "a+b&c=d;e",
    "100%",
    "~/.ssh",
]


def befalls(*troubles: Trouble) -> pytest.MarkDecorator:
    """The stores to which these can happen."""
    kinds = [kind for kind in HARNESSES if set(troubles) <= kind.causes]
    return pytest.mark.parametrize("harness", kinds, ids=lambda kind: kind.__name__.removesuffix("Harness").lower(), indirect=True)


async def put(store: Store, body: Body, key: str = KEY) -> StoredObject:
    return await store.put(key, body, content_type="audio/mpeg", metadata=METADATA)


async def content(store: Store, key: str = KEY, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in store.read(key, start, end)])


async def listed(store: Store, prefix: str = "", after: str = "") -> list[str]:
    return [found.key async for found in store.list(prefix, after)]


async def nothing_is_there(harness: Harness) -> bool:
    return await harness.store.stat(KEY) is None and await listed(harness.store) == [] and harness.leftovers() == []


def size_of(size: int, path: Path) -> Body:
    """Above 8 MiB as the engine does it: from a spool file."""
    data = os.urandom(size)
    return spooled(data, path / "spool") if size > 8 * MIB else body_of(data)


# --- what a write gives ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size", [0, 1, 5 * KIB, 256 * KIB - 1, 256 * KIB, 256 * KIB + 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 12 * MIB, 64 * MIB]
)
async def test_what_is_read_back_is_what_was_put(harness: Harness, size: int, tmp_path: Path) -> None:
    body = size_of(size, tmp_path)
    answer = await put(harness.store, body)
    assert (answer.key, answer.size, answer.crc32c) == (KEY, body.size, body.crc32c)
    found = await harness.store.stat(KEY)
    assert found is not None
    assert (found.key, found.size, found.crc32c) == (KEY, body.size, body.crc32c)
    assert found.version == answer.version != ""
    assert await content(harness.store) == (body.data if body.path is None else body.path.read_bytes())
    assert harness.leftovers() == []


async def test_metadata_and_type_are_kept_where_the_store_says_so(store: Store, tmp_path: Path) -> None:
    expected = ("audio/mpeg", METADATA) if store.capabilities.keeps_metadata else ("", {})
    for key, body in (("a", size_of(SMALL, tmp_path)), ("b", size_of(IN_PIECES, tmp_path))):
        answer = await put(store, body, key)
        found = await store.stat(key)
        assert found is not None
        assert (answer.content_type, answer.metadata) == (found.content_type, found.metadata) == expected


async def test_a_small_spool_file_and_large_bytes_in_memory_are_bodies_too(store: Store, tmp_path: Path) -> None:
    small, large = os.urandom(SMALL), os.urandom(IN_PIECES)
    await put(store, spooled(small, tmp_path / "spool"), "small")
    await put(store, body_of(large), "large")
    assert await content(store, "small") == small
    assert await content(store, "large") == large


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0, None, b"0123456789"),
        (3, None, b"3456789"),
        (3, 5, b"34"),
        (0, 1, b"0"),
        (8, 99, b"89"),
        (10, None, b""),
        (99, None, b""),
        (4, 4, b""),
    ],
)
async def test_a_range_runs_from_start_up_to_end(store: Store, start: int, end: int | None, expected: bytes) -> None:
    await put(store, body_of(b"0123456789"))
    assert await content(store, KEY, start, end) == expected


async def test_a_store_that_says_so_makes_links_that_read_the_object_and_others_make_none(store: Store) -> None:
    await put(store, body_of(b"0123456789"))
    asked = store.signed_url(KEY, LONGEST_LINK_S, content_type="audio/mpeg", disposition="inline")
    if not store.capabilities.signs_urls:
        with pytest.raises(ValueError, match="no links"):
            await asked
        return
    async with aiohttp.ClientSession() as browser, browser.get(URL(await asked, encoded=True)) as answer:
        assert (answer.status, answer.headers["Content-Type"], await answer.read()) == (200, "audio/mpeg", b"0123456789")


async def test_what_is_not_there_is_none_or_missing(store: Store) -> None:
    await put(store, body_of(b"x"))
    for key in (KEY + "x", "call-recordings/nobody/x", "x"):
        assert await store.stat(key) is None
        with pytest.raises(ObjectMissing):
            await content(store, key)
        with pytest.raises(ObjectMissing):
            await content(store, key, 4, 4)


@pytest.mark.parametrize("name", NAMES)
async def test_every_name_of_the_table_is_kept_to_the_byte(store: Store, name: str) -> None:
    key = f"call-recordings/{name}/2026-04-01/{name} - 5012 - 6755.mp3"
    answer = await put(store, body_of(name.encode()), key)
    assert answer.key == key
    assert await listed(store, f"call-recordings/{name}/") == [key]
    assert await content(store, key) == name.encode()


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/x", "a//b", "a/./b", "a\nb", "a\0b", "\ud800", "x" * 1025, "", ".."])
async def test_a_name_that_could_escape_is_refused(harness: Harness, key: str) -> None:
    with pytest.raises(ObjectNameRefused):
        await put(harness.store, body_of(b"x"), key)
    assert await nothing_is_there(harness)


async def test_names_that_differ_only_in_case_or_normal_form_are_different_objects(store: Store) -> None:
    keys = ["c/sales.mp3", "c/Sales.mp3", "c/が.mp3", "c/か\u3099.mp3"]
    for key in keys:
        await put(store, body_of(key.encode()), key)
    for key in keys:
        assert await content(store, key) == key.encode()


# --- create only ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, IN_PIECES])
async def test_a_second_write_to_a_name_is_refused_and_changes_nothing(store: Store, size: int, tmp_path: Path) -> None:
    first = await put(store, body_of(b"first"))
    for body in (size_of(size, tmp_path), body_of(b"first")):
        with pytest.raises(ObjectExists):
            await put(store, body)
    assert await store.stat(KEY) == first
    assert await content(store) == b"first"


@pytest.mark.parametrize("size", [SMALL, IN_PIECES])
async def test_of_eight_writers_on_one_name_one_wins(harness: Harness, size: int, tmp_path: Path) -> None:
    datas = [os.urandom(size) for _ in range(8)]
    outcomes = await asyncio.gather(
        *(put(harness.store, spooled(data, tmp_path / f"spool{at}")) for at, data in enumerate(datas)), return_exceptions=True
    )
    winners = [at for at, outcome in enumerate(outcomes) if isinstance(outcome, StoredObject)]
    assert len(winners) == 1
    assert all(isinstance(outcome, ObjectExists) for at, outcome in enumerate(outcomes) if at not in winners)
    assert await content(harness.store) == datas[winners[0]]
    assert harness.leftovers() == []


# --- bodies that are not what they say --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SMALL, IN_PIECES])
@pytest.mark.parametrize("difference", [-1, 1, -SMALL, SMALL])
@pytest.mark.parametrize("from_file", [False, True], ids=["memory", "spool"])
async def test_a_short_or_long_source_leaves_nothing(harness: Harness, size: int, difference: int, from_file: bool, tmp_path: Path) -> None:
    whole = os.urandom(size + max(difference, 0))
    right = body_of(whole[:size])
    there = whole[: size + difference]
    (tmp_path / "spool").write_bytes(there)
    wrong = Body(size, right.sha256, right.crc32c, None if from_file else there, tmp_path / "spool" if from_file else None)
    with pytest.raises(ChecksumRefused):
        await put(harness.store, wrong)
    assert await nothing_is_there(harness)


@pytest.mark.parametrize("size", [1, SMALL, IN_PIECES])
async def test_a_wrong_checksum_leaves_nothing(harness: Harness, size: int, tmp_path: Path) -> None:
    assert harness.store.capabilities.checks_writes
    body = size_of(size, tmp_path)
    with pytest.raises(ChecksumRefused):
        await put(harness.store, Body(body.size, body.sha256, body.crc32c ^ 1, body.data, body.path))
    assert await nothing_is_there(harness)


async def test_a_spool_file_that_is_gone_leaves_nothing(harness: Harness, tmp_path: Path) -> None:
    for size in (SMALL, IN_PIECES):
        body = spooled(os.urandom(size), tmp_path / "spool")
        (tmp_path / "spool").unlink()
        with pytest.raises(ChecksumRefused):
            await put(harness.store, body)
    assert await nothing_is_there(harness)


@pytest.mark.parametrize("size", [SMALL, IN_PIECES])
@pytest.mark.parametrize("steps", [0, 1, 2, 5, 20, 60])
async def test_cancelling_leaves_the_whole_object_or_nothing(harness: Harness, size: int, steps: int, tmp_path: Path) -> None:
    body = size_of(size, tmp_path)
    task = asyncio.create_task(put(harness.store, body))
    for _ in range(steps):
        await asyncio.sleep(0.0005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    found = await harness.store.stat(KEY)
    assert found is None or (found.size, found.crc32c) == (body.size, body.crc32c)
    with suppress(ObjectExists):
        await put(harness.store, body)
    again = await harness.store.stat(KEY)
    assert again is not None
    assert (again.size, again.crc32c) == (body.size, body.crc32c)
    assert await listed(harness.store) == [KEY]


# --- lists ------------------------------------------------------------------------------------------------------------------


async def test_a_list_of_2500_is_complete_and_in_byte_order(harness: Harness) -> None:
    keys = [f"call-recordings/サポート/2026-04-{day:02}/{at:03}.mp3" for day in range(1, 26) for at in range(100)]
    await harness.seed([*keys, "call-recordings/サポート.txt", "call-recordings/サポートB/x", "other/x"])
    assert await listed(harness.store, "call-recordings/サポート/") == keys
    assert await listed(harness.store, "call-recordings/サポート/2026-04-07/0") == keys[600:700]
    assert await listed(harness.store, "call-recordings/サポート/", after=keys[1499]) == keys[1500:]
    assert await listed(harness.store, "nothing") == []


async def test_order_is_that_of_bytes_also_around_folders(harness: Harness) -> None:
    keys = sorted(["a-", "a.b", "a/b", "a/c/d", "a0", "A", "か/x", "ｶ", "😀", "\ue000", "a b", "b/", "~"], key=str.encode)
    keys.remove("b/")
    await harness.seed(keys)
    assert await listed(harness.store) == keys
    for at, key in enumerate(keys):
        assert await listed(harness.store, after=key) == keys[at + 1 :]


async def test_a_list_says_size_and_version_of_each_object(store: Store) -> None:
    answers = {key: await put(store, body_of(key.encode() * 3), key) for key in ("a/b", "a/cc")}
    async for found in store.list("a/"):
        answer = answers.pop(found.key)
        assert (found.size, found.version) == (answer.size, answer.version)
        assert found.crc32c == (answer.crc32c if store.capabilities.stores_checksum else None)
    assert answers == {}


async def test_an_md5_is_that_of_the_bytes_and_the_same_wherever_it_is_asked_for(store: Store) -> None:
    answer = await put(store, body_of(b"some audio"))
    assert answer.md5 in ("", b64encode(md5(b"some audio").digest()).decode())
    found = await store.stat(KEY)
    assert found is not None
    assert [found.md5, *[one.md5 async for one in store.list(KEY)]] == [answer.md5] * 2


async def test_a_list_or_read_may_be_left_half_way(store: Store, harness: Harness) -> None:
    await harness.seed([f"a/{at:04}" for at in range(1200)])
    async for _ in store.list("a/"):
        break
    await put(store, body_of(os.urandom(3 * MIB)))
    async for _ in store.read(KEY):
        break
    assert len(await listed(store, "a/")) == 1200


# --- troubles of the other side ---------------------------------------------------------------------------------------------


async def put_again_until_known(harness: Harness, body: Body) -> StoredObject:
    """What the engine does: try again, and on a refusal look at what is there."""
    for _ in range(5):
        try:
            return await put(harness.store, body)
        except (StoreUnavailable, StoreThrottled, ChecksumRefused):
            continue
        except ObjectExists:
            found = await harness.store.stat(KEY)
            assert found is not None
            return found
    raise AssertionError("five tries were not enough")


PASSING = [
    Trouble.RESET_AT_FIRST_BYTE,
    Trouble.RESET_IN_THE_MIDDLE,
    Trouble.RESET_ON_LAST_PIECE,
    Trouble.ANSWER_LOST,
    Trouble.SERVER_ERROR_TWICE,
    Trouble.TIMED_OUT,
    Trouble.THROTTLED,
    Trouble.DAMAGED_ON_THE_WAY,
]


@befalls(*PASSING)
@pytest.mark.parametrize("size", [SMALL, IN_PIECES])
@pytest.mark.parametrize("trouble", PASSING)
async def test_a_passing_trouble_ends_in_one_whole_object(harness: Harness, trouble: Trouble, size: int, tmp_path: Path) -> None:
    body = size_of(size, tmp_path)
    await harness.cause(trouble)
    answer = await put_again_until_known(harness, body)
    assert (answer.size, answer.crc32c) == (body.size, body.crc32c)
    assert await listed(harness.store) == [KEY]


@befalls(*PASSING)
@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        (Trouble.RESET_AT_FIRST_BYTE, StoreUnavailable),
        (Trouble.RESET_IN_THE_MIDDLE, StoreUnavailable),
        (Trouble.RESET_ON_LAST_PIECE, StoreUnavailable),
        (Trouble.ANSWER_LOST, StoreUnavailable),
        (Trouble.SERVER_ERROR_TWICE, StoreUnavailable),
        (Trouble.TIMED_OUT, StoreUnavailable),
        (Trouble.THROTTLED, StoreThrottled),
        (Trouble.DAMAGED_ON_THE_WAY, ChecksumRefused),
    ],
)
async def test_a_passing_trouble_is_told_by_its_name(harness: Harness, trouble: Trouble, expected: type[StoreError]) -> None:
    await harness.cause(trouble)
    with pytest.raises(expected) as told:
        await put(harness.store, body_of(os.urandom(SMALL)))
    assert told.value.retry_after == (7 if trouble is Trouble.THROTTLED else None)
    assert (await harness.store.stat(KEY) is not None) == (trouble is Trouble.ANSWER_LOST)


@befalls(Trouble.STORED_DAMAGED)
async def test_a_store_that_keeps_other_bytes_cannot_answer_with_ours(harness: Harness) -> None:
    body = body_of(os.urandom(SMALL))
    await harness.cause(Trouble.STORED_DAMAGED)
    answer = await put(harness.store, body)
    assert answer.crc32c != body.crc32c


@befalls(Trouble.READ_BREAKS)
async def test_a_read_that_breaks_off_is_an_error_and_not_a_short_object(harness: Harness) -> None:
    await put(harness.store, body_of(os.urandom(SMALL)))
    await harness.cause(Trouble.READ_BREAKS)
    with pytest.raises(StoreUnavailable):
        await content(harness.store)


@befalls(Trouble.LOOKS_STUMBLE, Trouble.LOOKS_ARE_RESET)
@pytest.mark.parametrize("trouble", [Trouble.LOOKS_STUMBLE, Trouble.LOOKS_ARE_RESET])
async def test_a_question_is_answered_although_the_store_stumbles_twice(harness: Harness, trouble: Trouble) -> None:
    body = body_of(os.urandom(SMALL))
    await put(harness.store, body)
    await harness.cause(trouble)
    found = await harness.store.stat(KEY)
    assert found is not None
    assert found.crc32c == body.crc32c
    assert await content(harness.store) == body.data
    assert await listed(harness.store) == [KEY]


async def every_call_raises(harness: Harness, expected: type[StoreError], tmp_path: Path) -> None:
    with pytest.raises(expected):
        await put(harness.store, body_of(b"y"), "other")
    with pytest.raises(expected):
        await put(harness.store, size_of(IN_PIECES, tmp_path), "other")
    with pytest.raises(expected):
        await harness.store.stat(KEY)
    with pytest.raises(expected):
        await harness.store.stat("other")
    with pytest.raises(expected):
        await listed(harness.store)
    with pytest.raises((expected, ObjectMissing)):
        await content(harness.store)


@befalls(Trouble.NO_BUCKET)
async def test_a_bucket_that_is_gone_is_missing_and_not_made_anew(harness: Harness, tmp_path: Path) -> None:
    await put(harness.store, body_of(b"x"))
    await harness.cause(Trouble.NO_BUCKET)
    await every_call_raises(harness, BucketMissing, tmp_path)


@befalls(Trouble.NO_GRANT)
async def test_a_revoked_grant_is_forbidden(harness: Harness, tmp_path: Path) -> None:
    await put(harness.store, body_of(b"x"))
    await harness.cause(Trouble.NO_GRANT)
    await every_call_raises(harness, BucketForbidden, tmp_path)


@befalls(Trouble.NO_BILLING)
async def test_disabled_billing_is_not_taken_for_a_missing_grant(harness: Harness, tmp_path: Path) -> None:
    await put(harness.store, body_of(b"x"))
    await harness.cause(Trouble.NO_BILLING)
    await every_call_raises(harness, BucketBilling, tmp_path)


@befalls(Trouble.CREDENTIAL_REVOKED)
async def test_a_revoked_credential_is_refused(harness: Harness, tmp_path: Path) -> None:
    await put(harness.store, body_of(b"x"))
    await harness.cause(Trouble.CREDENTIAL_REVOKED)
    await every_call_raises(harness, BucketCredentialRefused, tmp_path)


@befalls(Trouble.TOKEN_EXPIRED)
@pytest.mark.parametrize("size", [SMALL, IN_PIECES])
async def test_a_token_that_expires_early_is_renewed_without_failing_the_write(harness: Harness, size: int, tmp_path: Path) -> None:
    await put(harness.store, body_of(b"x"), "earlier")
    await harness.cause(Trouble.TOKEN_EXPIRED)
    body = size_of(size, tmp_path)
    assert (await put(harness.store, body)).crc32c == body.crc32c


@befalls(Trouble.MAY_NOT_DELETE, Trouble.MAY_NOT_DELETE_AND_SAYS_SO_FIRST)
@pytest.mark.parametrize("trouble", [Trouble.MAY_NOT_DELETE, Trouble.MAY_NOT_DELETE_AND_SAYS_SO_FIRST, Trouble.RETENTION_LOCKED])
async def test_create_and_view_are_enough_for_everything(harness: Harness, trouble: Trouble, tmp_path: Path) -> None:
    await harness.cause(trouble)
    for at, size in enumerate((SMALL, IN_PIECES)):
        body = size_of(size, tmp_path)
        answer = await put(harness.store, body, f"a/{at}")
        assert answer.crc32c == body.crc32c
        with pytest.raises(ObjectExists):
            await put(harness.store, body, f"a/{at}")
    assert await listed(harness.store) == ["a/0", "a/1"]
