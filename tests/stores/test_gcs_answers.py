"""Answers that no bucket should give, and some do: proxies, emulators, requester pays, forgotten uploads, redirects, damaged reads.

The retries are held to scenarios 5 to 8 of Google's retry conformance tests: what is not idempotent or not passing is not tried again.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from rokuon.backup.copy import store_once, with_quick_retries
from rokuon.domain import retry
from rokuon.domain.failures import (
    BucketBilling,
    BucketCredentialRefused,
    Decision,
    ObjectMisread,
    RokuonError,
    StoreError,
    StoreRequestRefused,
    StoreUnavailable,
)
from rokuon.stores.gcs import GcsStore
from rokuon.stores.google_key import service_account
from tests.backup.scripted import work
from tests.conformance.harness import body_of
from tests.simulators.gcs import Fault, GcsDouble, Op

KEY = "call-recordings/東京/2026-04-01/a - 1 - 2.mp3"
MIB = 1024 * 1024


@dataclass
class Odd:
    """A server that answers what it is told, to every request the same or one after the other."""

    answers: list[Callable[[], web.StreamResponse] | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        self.asked.append(request.method)
        make = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if make is None:
            assert request.transport
            request.transport.abort()
            return web.Response()
        return make()

    def says(self, *answers: object) -> None:
        """Each a status with a reason, a text, or None for a reset."""
        self.answers = [None if one is None else (lambda one=one: _answer(one)) for one in answers]  # type: ignore[misc]


def _answer(what: object) -> web.StreamResponse:
    if isinstance(what, web.StreamResponse):
        return what
    if isinstance(what, str):
        return web.Response(text=what, content_type="application/json")
    if isinstance(what, int):
        return web.Response(status=what, text="no JSON at all")
    assert isinstance(what, tuple)
    status, reason = what
    return web.json_response({"error": {"code": status, "errors": [{"reason": reason}]}}, status=status)


@pytest.fixture
async def odd() -> AsyncIterator[Odd]:
    made = Odd()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = "http://{}:{}".format(*runner.addresses[0][:2])
    yield made
    await runner.cleanup()


@pytest.fixture
async def store(odd: Odd) -> AsyncIterator[GcsStore]:
    opened = GcsStore("recordings", {}, endpoint=odd.url, sleep=no_time)
    yield opened
    await opened.close()


@pytest.fixture
async def double() -> AsyncIterator[GcsDouble]:
    made = GcsDouble()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def sound(double: GcsDouble) -> AsyncIterator[GcsStore]:
    """A store whose Google is the strict double."""
    account = service_account(double.service_account("b@p.iam.gserviceaccount.com", "objectUser"), double.url)
    opened = GcsStore(double.bucket_name, account, endpoint=double.url, sleep=no_time)
    yield opened
    await opened.close()


async def no_time(seconds: float, /) -> None:
    await asyncio.sleep(0)


async def put(store: GcsStore, size: int = 3) -> object:
    return await store.put(KEY, body_of(b"x" * size), content_type="audio/mpeg", metadata={})


async def ask(store: GcsStore, how: str) -> object:
    match how:
        case "put":
            return await put(store)
        case "put in pieces":
            return await put(store, 9 * MIB)
        case "stat":
            return await store.stat(KEY)
        case "list":
            return [one async for one in store.list("")]
        case "read":
            return [one async for one in store.read(KEY)]
        case "permissions":
            return await store.rights()
    raise AssertionError(how)


WAYS = ["put", "put in pieces", "stat", "list", "read", "permissions"]


# --- refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("reason", ["required", "userProjectMissing"])
async def test_a_bucket_that_bills_the_requester_is_held_for_billing(odd: Odd, store: GcsStore, how: str, reason: str) -> None:
    odd.says((400, reason))
    with pytest.raises(BucketBilling) as refused:
        await ask(store, how)
    assert refused.value.detail == f"400 {reason}"
    assert len(odd.asked) == 1


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(
    ("answer", "detail"), [((400, "invalidArgument"), "400 invalidArgument"), (400, "400"), (405, "405"), (411, "411")]
)
async def test_any_other_refusal_names_its_status_and_is_not_tried_again_by_itself(
    odd: Odd, store: GcsStore, how: str, answer: object, detail: str
) -> None:
    odd.says(answer)
    with pytest.raises(StoreRequestRefused) as refused:
        await ask(store, how)
    assert refused.value.detail == detail
    assert refused.value.decision is Decision.NEVER
    assert "automatically" not in refused.value.advice
    assert retry.quick_delay(refused.value, 0) is None


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(("status", "failure"), [(400, StoreRequestRefused), (401, BucketCredentialRefused)])
async def test_scenario_5_what_is_not_retryable_is_asked_once(
    odd: Odd, store: GcsStore, how: str, status: int, failure: type[RokuonError]
) -> None:
    odd.says(status)
    with pytest.raises(failure):
        await with_quick_retries(lambda: ask(store, how), no_time)
    assert len(odd.asked) == 1


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(
    ("answers", "failure"), [((503, 400), StoreRequestRefused), ((None, 401), BucketCredentialRefused), ((408, 400), StoreRequestRefused)]
)
async def test_scenario_6_a_refusal_after_a_passing_trouble_ends_the_tries(
    odd: Odd, store: GcsStore, how: str, answers: tuple[int | None, int], failure: type[RokuonError]
) -> None:
    first, second = answers
    # A connection that is reset is tried a second time by aiohttp itself where the method allows.
    odd.says(*([first] if first else [None, None]), second)
    with pytest.raises(failure):
        await with_quick_retries(lambda: ask(store, how), no_time)
    assert 2 <= len(odd.asked) <= 3


@pytest.mark.parametrize("how", ["stat", "list", "read", "permissions"])
async def test_scenario_1_a_question_survives_two_stumbles_and_not_three(double: GcsDouble, sound: GcsStore, how: str) -> None:
    await put(sound)
    op = {"stat": Op.STAT, "list": Op.LIST, "read": Op.MEDIA, "permissions": Op.PERMISSIONS}[how]
    for fault in (Fault(op, status=503, times=2), Fault(op, status=408, times=2), Fault(op, reset_after=0, times=4)):
        double.fail(fault)
        assert await ask(sound, how)
        assert double.faults.waiting == []
    double.fail(Fault(op, status=503, times=3))
    with pytest.raises(StoreUnavailable):
        await ask(sound, how)


async def test_a_question_waits_for_what_google_names_and_not_longer_than_seconds(double: GcsDouble) -> None:
    slept: list[float] = []

    async def sleep(seconds: float, /) -> None:
        slept.append(seconds)

    account = service_account(double.service_account("b@p.iam.gserviceaccount.com", "objectUser"), double.url)
    store = GcsStore(double.bucket_name, account, endpoint=double.url, sleep=sleep)
    double.fail(Fault(Op.LIST, status=503, retry_after="2", times=1))
    assert await ask(store, "list") == []
    double.fail(Fault(Op.LIST, status=503, retry_after="30", times=1))
    with pytest.raises(StoreUnavailable) as told:
        await ask(store, "list")
    assert (slept, told.value.retry_after) == ([2], 30)
    await store.close()


async def test_a_time_out_gets_a_second_try_within_seconds(double: GcsDouble, sound: GcsStore) -> None:
    slept: list[float] = []

    async def sleep(seconds: float, /) -> None:
        slept.append(seconds)

    double.fail(Fault(Op.UPLOAD, status=408))
    stored = await with_quick_retries(lambda: store_once(work(), sound, body_of(b"abc")), sleep)
    assert (stored.size, slept) == (3, [1.0])


# --- uploads ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("skip", [0, 1, 2])
async def test_scenario_7_an_upload_that_was_forgotten_begins_anew_at_once(
    double: GcsDouble, sound: GcsStore, status: int, skip: int
) -> None:
    body = body_of(os.urandom(9 * MIB))
    double.fail(Fault(Op.CHUNK, status=status, reason="notFound", skip=skip))
    sound._sleep = never  # type: ignore[method-assign,assignment]
    stored = await sound.put(KEY, body, content_type="audio/mpeg", metadata={})
    assert (stored.crc32c, double.count(Op.START)) == (body.crc32c, 2)


async def never(seconds: float, /) -> None:
    raise AssertionError("at once")


async def test_an_upload_that_is_forgotten_every_time_ends(double: GcsDouble, sound: GcsStore) -> None:
    double.fail(Fault(Op.CHUNK, status=410, reason="gone", times=99))
    with pytest.raises(StoreUnavailable):
        await put(sound, 9 * MIB)
    assert double.count(Op.START) == 3


async def test_a_piece_that_is_refused_is_asked_about_before_the_upload_is_given_up(double: GcsDouble, sound: GcsStore) -> None:
    double.fail(Fault(Op.CHUNK, status=400, reason="badRequest", times=2))
    with pytest.raises(StoreRequestRefused):
        await put(sound, 9 * MIB)
    assert double.count(Op.CHUNK, 400) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("size", [3, 9 * MIB])
async def test_no_upload_follows_a_redirect(odd: Odd, store: GcsStore, double: GcsDouble, status: int, size: int) -> None:
    odd.says(web.Response(status=status, headers={"Location": f"{double.url}/upload/storage/v1/b/recordings/o?uploadType=media"}))
    with pytest.raises(StoreUnavailable, match=str(status)):
        await put(store, size)
    assert double.log == []


# --- odd answers ------------------------------------------------------------------------------------------------------------

ODD = [
    "",
    "null",
    "[]",
    "7",
    '"text"',
    "{",
    "[" * 100_000,
    '{"items": {}}',
    '{"items": [null]}',
    '{"items": [{"name": 7, "size": "1", "generation": "1"}]}',
    '{"items": [{"size": "1"}]}',
    '{"items": [{"name": "a", "size": "many", "generation": "1"}]}',
    '{"items": [{"name": "a", "size": -1, "generation": "1"}]}',
    '{"items": [{"name": "a", "size": 1e999, "generation": "1"}]}',
    '{"items": [{"name": "a", "size": "1", "generation": "1", "crc32c": "?"}]}',
    '{"items": [{"name": "a", "size": "1", "generation": "1", "crc32c": 5}]}',
    '{"items": [{"name": "a", "size": "1", "generation": "1", "metadata": "text"}]}',
    '{"items": [], "nextPageToken": 7}',
]


@pytest.mark.parametrize("text", ODD, ids=lambda text: text[:60])
@pytest.mark.parametrize("how", WAYS)
async def test_an_answer_that_makes_no_sense_is_a_declared_failure(odd: Odd, store: GcsStore, how: str, text: str) -> None:
    odd.says(text)
    try:
        await ask(store, how)
    except StoreError:
        return
    assert how == "read" or (how == "permissions" and text.startswith('{"items"')), "nothing is made up"


@pytest.mark.parametrize("held", ["null", "{}", "[7]", '"storage.objects.get"'])
async def test_permissions_that_are_no_list_of_names_are_a_declared_failure(odd: Odd, store: GcsStore, held: str) -> None:
    odd.says(f'{{"permissions": {held}}}')
    with pytest.raises(StoreUnavailable):
        await store.rights()


async def test_an_empty_object_without_a_size_has_none(odd: Odd, store: GcsStore) -> None:
    """Google's testbench leaves a zero out."""
    resource = {"name": "call-recordings/", "generation": "5", "crc32c": "AAAAAA=="}
    odd.says(json.dumps(resource))
    found = await store.stat("call-recordings/")
    assert found is not None
    assert (found.size, found.crc32c) == (0, 0)
    odd.says(json.dumps({"items": [resource]}))
    assert [one.size async for one in store.list("")] == [0]
    odd.says(json.dumps(resource))
    assert (await store.put("call-recordings/", body_of(b""), content_type="", metadata={})).size == 0


# --- reads ------------------------------------------------------------------------------------------------------------------


async def read(store: GcsStore, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in store.read(KEY, start, end)])


async def test_scenario_8_a_read_that_was_damaged_on_the_way_is_told_from_what_is_stored(double: GcsDouble, sound: GcsStore) -> None:
    data = os.urandom(3 * MIB)
    await sound.put(KEY, body_of(data), content_type="audio/mpeg", metadata={})
    double.fail(Fault(Op.MEDIA, flip_bit=True))
    with pytest.raises(ObjectMisread):
        await read(sound)
    assert await read(sound) == data
    assert await read(sound, 5, 2 * MIB) == data[5 : 2 * MIB]
    assert await read(sound, 3 * MIB + 1) == b""


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"x-goog-hash": "crc32c=AAAAAA==,md5=1B2M2Y8AsgTpgAmY7PhCfg=="}, b"abc"),
        ({"x-goog-hash": "md5=1B2M2Y8AsgTpgAmY7PhCfg==, crc32c=AAAAAA=="}, b"abc"),
        ({"x-goog-stored-content-length": "4", "Transfer-Encoding": "chunked"}, b"abc"),
    ],
)
async def test_a_whole_read_agrees_with_what_the_store_says_of_it(odd: Odd, store: GcsStore, headers: dict[str, str], body: bytes) -> None:
    odd.says(web.Response(body=body, headers=headers) if "Transfer-Encoding" not in headers else Chunked(body, headers))
    with pytest.raises(ObjectMisread):
        await read(store)


class Chunked(web.StreamResponse):
    """A body whose length nobody announces."""

    def __init__(self, body: bytes, headers: dict[str, str]) -> None:
        super().__init__(headers={name: value for name, value in headers.items() if name != "Transfer-Encoding"})
        self._whole = body
        self.enable_chunked_encoding()

    async def prepare(self, request: web.BaseRequest) -> object:  # type: ignore[override]
        writer = await super().prepare(request)
        await self.write(self._whole)
        return writer


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}),
        (206, {"Content-Range": "bytes 0-2/9"}),
        (206, {"Content-Range": "bytes 2-8/9"}),
        (206, {"Content-Range": "nonsense"}),
        (206, {"Content-Range": "bytes 2-4/9"}),
    ],
    ids=str,
)
async def test_another_range_than_was_asked_for_is_a_misread(odd: Odd, store: GcsStore, answer: tuple[int, dict[str, str]]) -> None:
    status, headers = answer
    odd.says(web.Response(status=status, body=b"ab", headers=headers))
    with pytest.raises(ObjectMisread):
        await read(store, 2, 5)
