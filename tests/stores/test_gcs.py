"""What only Google Cloud Storage can get wrong: tokens, answers that mean several things, pieces, and what leaves this machine."""

import asyncio
import json
import os
import traceback
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from rokuon.domain.failures import (
    BucketBilling,
    BucketCredentialRefused,
    BucketForbidden,
    BucketMissing,
    ChecksumRefused,
    ConfigError,
    ObjectExists,
    StoreError,
    StoreRequestRefused,
    StoreThrottled,
    StoreUnavailable,
)
from rokuon.domain.ports import Body, Store, StoredObject
from rokuon.stores.gcs import GcsStore
from rokuon.stores.gcs_upload import CHUNK
from rokuon.stores.google_key import service_account
from rokuon.stores.kind import StoreSettings
from rokuon.stores.registry import kind_of
from tests.conformance.harness import body_of, spooled
from tests.simulators.gcs import Fault, GcsDouble, Op

WHO = "backup@p.iam.gserviceaccount.com"
AGENT = "山田 太郎"
KEY = f"call-recordings/東京/2026-04-01/{AGENT} - 1 - 2.mp3"
MIB = 1024 * 1024
Open = Callable[..., GcsStore]


def open_gcs(credential: str | None, endpoint: str | None = None) -> Store:
    return kind_of("gs://recordings").open("gs://recordings", credential, StoreSettings(gcs_endpoint=endpoint))


@pytest.fixture
async def double() -> AsyncIterator[GcsDouble]:
    made = GcsDouble()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
async def store(double: GcsDouble, slept: list[float]) -> AsyncIterator[GcsStore]:
    async def sleep(seconds: float, /) -> None:
        slept.append(seconds)

    account = service_account(double.service_account(WHO, "objectUser"), double.url)
    opened = GcsStore(double.bucket_name, account, endpoint=double.url, sleep=sleep)
    yield opened
    await opened.close()


async def put(store: GcsStore, body: Body | None = None, key: str = KEY) -> StoredObject:
    return await store.put(key, body or body_of(b"x"), content_type="audio/mpeg", metadata={"rokuon-recording": "2"})


# --- requests --------------------------------------------------------------------------------------------------------------


async def test_a_recording_costs_one_request_and_one_token_serves_many(double: GcsDouble, store: GcsStore) -> None:
    await asyncio.gather(*(put(store, body_of(os.urandom(1000)), f"a/{at}") for at in range(50)))
    assert (double.count(Op.UPLOAD, 200), len(double.log), double.accounts.issued) == (50, 51, 1)


async def test_the_type_and_metadata_arrive_and_names_in_both_requests_are_the_same(double: GcsDouble, store: GcsStore) -> None:
    await put(store)
    await put(store, body_of(bytes(9 * MIB)), KEY + "2")
    for key in (KEY, KEY + "2"):
        thing = double.bucket.things[key]
        assert (thing.content_type, thing.metadata) == ("audio/mpeg", {"rokuon-recording": "2"})


async def test_a_large_file_goes_in_pieces_and_a_reset_costs_no_more_than_the_piece(
    double: GcsDouble, store: GcsStore, tmp_path: Path
) -> None:
    body = spooled(os.urandom(25 * MIB), tmp_path / "spool")
    double.fail(Fault(Op.CHUNK, skip=3, reset_after=2 * MIB + 1))
    answer = await put(store, body)
    assert answer.crc32c == body.crc32c
    assert sum(entry.received for entry in double.log if entry.op is Op.CHUNK) <= 25 * MIB + CHUNK
    assert double.count(Op.START) == 1


async def test_a_lost_answer_to_the_last_piece_is_no_failure(double: GcsDouble, store: GcsStore) -> None:
    double.fail(Fault(Op.CHUNK, skip=2, lose_answer=True))
    body = body_of(os.urandom(9 * MIB))
    assert (await put(store, body)).crc32c == body.crc32c
    assert double.bucket.generations == 1


async def test_pieces_are_given_up_after_five_failures_in_a_row(double: GcsDouble, store: GcsStore, slept: list[float]) -> None:
    double.fail(Fault(Op.CHUNK, status=503, times=99))
    with pytest.raises(StoreUnavailable):
        await put(store, body_of(bytes(9 * MIB)))
    assert slept == [1, 2, 4, 8, 16]
    assert double.bucket.things == {}


async def test_failures_with_progress_between_them_are_not_in_a_row(double: GcsDouble, store: GcsStore, tmp_path: Path) -> None:
    for at in range(8):
        double.fail(Fault(Op.CHUNK, status=503, skip=0 if at == 0 else 2))
    body = spooled(os.urandom(40 * MIB), tmp_path / "spool")
    assert (await put(store, body)).crc32c == body.crc32c


async def test_an_upload_that_google_forgot_is_a_passing_trouble(double: GcsDouble, store: GcsStore) -> None:
    double.fail(Fault(Op.CHUNK, status=404, reason="notFound"), Fault(Op.CHUNK, status=404, reason="notFound", times=9))
    with pytest.raises(StoreUnavailable):
        await put(store, body_of(bytes(9 * MIB)))
    double.faults.waiting.clear()
    await put(store, body_of(bytes(9 * MIB)))


async def test_an_upload_address_elsewhere_does_not_get_our_token(double: GcsDouble, store: GcsStore) -> None:
    await put(store, key="first")
    elsewhere = GcsDouble()
    await elsewhere.start()
    double.url = elsewhere.url
    with pytest.raises(StoreUnavailable):
        await put(store, body_of(bytes(9 * MIB)))
    assert elsewhere.log == []
    await elsewhere.stop()


async def test_proxy_variables_are_ignored(double: GcsDouble, store: GcsStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    await put(store)


async def test_a_dead_address_is_unavailable(double: GcsDouble) -> None:
    store = GcsStore("recordings", {}, endpoint="http://127.0.0.1:9")
    with pytest.raises(StoreUnavailable):
        await put(store)
    await store.close()


async def test_a_stored_gzip_is_read_as_it_is_stored(double: GcsDouble, store: GcsStore) -> None:
    await put(store)
    [piece async for piece in store.read(KEY)]
    assert "gzip" in double.media_encodings


# --- answers ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (400, "invalid", ChecksumRefused),
        (400, "parseError", StoreRequestRefused),
        (400, "userProjectMissing", BucketBilling),
        (401, "authError", BucketCredentialRefused),
        (403, "forbidden", BucketForbidden),
        (403, "accountDisabled", BucketBilling),
        (403, "UserProjectAccountProblem", BucketBilling),
        (403, "rateLimitExceeded", StoreThrottled),
        (403, "retentionPolicyNotMet", BucketForbidden),
        (404, "notFound", BucketMissing),
        (408, "", StoreUnavailable),
        (409, "conflict", ObjectExists),
        (412, "conditionNotMet", ObjectExists),
        (412, "orgPolicyConstraintFailed", BucketForbidden),
        (418, "teapot", StoreRequestRefused),
        (429, "rateLimitExceeded", StoreThrottled),
        (500, "backendError", StoreUnavailable),
        (503, "backendError", StoreUnavailable),
        (200, "not a resource", StoreUnavailable),
    ],
)
async def test_an_answer_means_what_its_status_and_reason_say(
    double: GcsDouble, store: GcsStore, status: int, reason: str, expected: type[StoreError]
) -> None:
    double.fail(Fault(Op.UPLOAD, status=status, reason=reason, times=2))
    with pytest.raises(expected) as told:
        await put(store)
    assert type(told.value) is expected


@pytest.mark.parametrize(("header", "expected"), [("12", 12), ("20.5", 20.5), ("25s", 25), ("", None), ("soon", 60), ("-1", 0)])
async def test_a_waiting_time_is_read_in_every_form(double: GcsDouble, store: GcsStore, header: str, expected: float | None) -> None:
    double.fail(Fault(Op.LIST, status=429, retry_after=header))
    with pytest.raises(StoreThrottled) as told:
        [found async for found in store.list("")]
    assert told.value.retry_after == expected


async def test_no_error_shows_the_name_of_an_agent_or_a_secret(double: GcsDouble, store: GcsStore) -> None:
    await put(store, key="first")
    secrets = [AGENT, "%E5%B1%B1", *double.accounts.tokens, "PRIVATE"]
    for fault in (Fault(Op.UPLOAD, reset_after=0), Fault(Op.UPLOAD, status=503), Fault(Op.UPLOAD, status=200)):
        double.fail(fault)
        with pytest.raises(StoreError) as told:
            await put(store)
        text = "".join(traceback.format_exception(told.value))
        assert not [secret for secret in secrets if secret in text]


# --- credentials -----------------------------------------------------------------------------------------------------------


async def test_cancelling_one_upload_does_not_fail_those_that_wait_for_the_same_token(double: GcsDouble, store: GcsStore) -> None:
    double.fail(Fault(Op.TOKEN, delay=0.1))
    tasks = [asyncio.create_task(put(store, key=f"a/{at}")) for at in range(4)]
    await asyncio.sleep(0.02)
    tasks[0].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [asyncio.CancelledError, StoredObject, StoredObject, StoredObject]
    assert double.accounts.issued == 1


async def test_tokens_that_live_shorter_than_promised_do_not_fail_uploads(double: GcsDouble, store: GcsStore) -> None:
    double.accounts.lifetime_s = 0.05
    for at in range(4):
        await put(store, key=f"a/{at}")
        await asyncio.sleep(0.06)
    assert double.accounts.issued >= 4


@pytest.mark.parametrize(
    ("status", "expected"), [(400, BucketCredentialRefused), (401, BucketCredentialRefused), (503, StoreUnavailable), (429, StoreThrottled)]
)
async def test_a_token_endpoint_s_answer_is_about_the_credential(
    double: GcsDouble, store: GcsStore, status: int, expected: type[StoreError]
) -> None:
    double.fail(Fault(Op.TOKEN, status=status, times=2))
    with pytest.raises(expected):
        await put(store)


async def test_an_emulator_is_used_without_a_token() -> None:
    double = GcsDouble(open_to_all=True)
    await double.start()
    store = open_gcs(None, double.url.removeprefix("http://"))
    await store.put("a", body_of(b"x"), content_type="", metadata={})
    await store.put("b", body_of(bytes(9 * MIB)), content_type="", metadata={})
    assert (double.count(Op.TOKEN), double.authorized) == (0, 0)
    await store.close()
    await double.stop()


async def test_application_default_credentials_are_the_machine_s(
    double: GcsDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "adc.json").write_text(double.service_account(WHO, "objectUser"))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "adc.json"))
    store = GcsStore(double.bucket_name, None, endpoint=double.url)
    await put(store)
    await store.close()


async def test_default_credentials_that_are_not_there_are_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    store = GcsStore("recordings", None, endpoint="http://127.0.0.1:9")
    with pytest.raises(BucketCredentialRefused):
        await put(store)
    await store.close()


@pytest.mark.parametrize(
    "change",
    [
        {"type": "external_account"},
        {"type": "authorized_user"},
        {"client_email": ""},
        {"client_email": None},
        {"private_key": "-----BEGIN PRIVATE KEY-----"},
        {"private_key": 7},
        {"token_uri": "http://169.254.169.254/token"},
        {"token_uri": "https://oauth2.googleapis.com.evil.example/token"},
        {"token_uri": "file:///etc/passwd"},
        {"token_uri": None},
    ],
)
def test_a_key_file_that_would_lead_elsewhere_is_refused_with_a_sentence(change: dict[str, object]) -> None:
    fields = json.loads(GcsDouble().service_account(WHO)) | {"token_uri": "https://oauth2.googleapis.com/token"}
    service_account(json.dumps(fields))
    with pytest.raises(ConfigError) as told:
        open_gcs(json.dumps(fields | change))
    assert str(told.value).endswith(".")
    assert "BEGIN" not in "".join(traceback.format_exception(told.value))


@pytest.mark.parametrize("text", ["", "x", "[]", "null", "{}", "\ud800"])
def test_text_that_is_no_key_file_is_refused(text: str) -> None:
    for attempt in (lambda: service_account(text), lambda: open_gcs(text)):
        with pytest.raises(ConfigError):
            attempt()


def test_fields_that_make_a_reader_open_other_addresses_are_dropped() -> None:
    fields = json.loads(GcsDouble().service_account(WHO)) | {"token_uri": "https://oauth2.googleapis.com/token"}
    evil = fields | {"service_account_impersonation_url": "http://169.254.169.254/", "credential_source": {"file": "/etc/passwd"}}
    assert set(service_account(json.dumps(evil))) == {"type", "client_email", "private_key", "token_uri"}
