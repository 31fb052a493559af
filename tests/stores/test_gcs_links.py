"""Signed links of Google Cloud Storage: the double checks each with the account's public key, as Google does."""

import io
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from gcloud.aio.auth import Token
from gcloud.aio.storage import Blob, Bucket, Storage, blob
from yarl import URL

from rokuon.domain.failures import BucketCredentialRefused
from rokuon.domain.ports import LONGEST_LINK_S
from rokuon.stores.gcs import GOOGLE, GcsStore
from rokuon.stores.gcs_signing import SignedLink, sign
from rokuon.stores.google_key import service_account
from tests.conformance.harness import body_of
from tests.simulators.gcs import GcsDouble, Op

WHO = "backup@p.iam.gserviceaccount.com"
KEY = "call-recordings/東京サポート/2026-04-01/O'Neil, ＂Bob＂ 100% a+b&c=d #1 👩‍💻 - 1 - 2.mp3"
DATA = b"0123456789" * 1000
DISPOSITION = "attachment; filename*=UTF-8''a%20b.mp3"


class Wall:
    """The time at which both sides think they are."""

    now = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.now

    def as_datetime(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
async def double(wall: Wall) -> AsyncIterator[GcsDouble]:
    made = GcsDouble(wall=wall)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def store(double: GcsDouble, wall: Wall) -> AsyncIterator[GcsStore]:
    account = service_account(double.service_account(WHO, "objectUser"), double.url)
    opened = GcsStore(double.bucket_name, account, endpoint=double.url, clock=wall.as_datetime)
    await opened.put(KEY, body_of(DATA), content_type="audio/mpeg", metadata={})
    await opened.put("other", body_of(b"other"), content_type="text/html", metadata={})
    yield opened
    await opened.close()


async def link(store: GcsStore, key: str = KEY, seconds: int = 300) -> str:
    return await store.signed_url(key, seconds, content_type="audio/mpeg", disposition=DISPOSITION)


async def follow(url: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    """As a browser does: no token, and the address as it stands."""
    async with aiohttp.ClientSession() as browser, browser.get(URL(url, encoded=True), headers=headers) as answer:
        return answer.status, await answer.read(), dict(answer.headers)


async def test_whoever_holds_the_link_reads_the_object_with_the_headers_of_the_link(store: GcsStore) -> None:
    status, body, headers = await follow(await link(store))
    assert (status, body) == (200, DATA)
    assert (headers["Content-Type"], headers["Content-Disposition"]) == ("audio/mpeg", DISPOSITION)
    stored_as_page = await follow(await link(store, "other"))
    assert stored_as_page[2]["Content-Type"] == "audio/mpeg"


async def test_a_link_seeks(store: GcsStore) -> None:
    status, body, headers = await follow(await link(store), Range="bytes=9990-")
    assert (status, body, headers["Content-Range"]) == (206, b"0123456789", "bytes 9990-9999/10000")


async def test_a_link_ends_after_its_time(store: GcsStore, wall: Wall) -> None:
    url = await link(store, seconds=60)
    wall.now += 59
    assert (await follow(url))[0] == 200
    wall.now += 1
    assert (await follow(url))[0] == 400


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("X-Goog-Expires=300", "X-Goog-Expires=604800"),
        ("audio%2Fmpeg", "text%2Fhtml"),
        ("/call-recordings/", "/other-recordings/"),
        ("&X-Goog-Signature=", "&X-Goog-Signature=00"),
    ],
)
async def test_a_link_that_was_changed_opens_nothing(store: GcsStore, part: str, other: str) -> None:
    url = await link(store)
    assert part in url
    assert (await follow(url.replace(part, other)))[0] == 403


async def test_a_link_has_the_rights_of_its_account_and_no_more(store: GcsStore, double: GcsDouble) -> None:
    url = await link(store)
    double.bucket.grant(WHO, "objectCreator")
    assert (await follow(url))[0] == 403


async def test_making_a_link_asks_google_for_nothing_and_logs_nothing(
    store: GcsStore, double: GcsDouble, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(double.log)
    with caplog.at_level(logging.DEBUG):
        url = await link(store)
    assert len(double.log) == before
    assert caplog.text == ""
    assert double.count(Op.LINK) == 0
    assert len(parse_qs(urlsplit(url).query)["X-Goog-Signature"][0]) == 512


async def test_googles_own_address_is_signed_as_google_documents_it(double: GcsDouble, wall: Wall) -> None:
    account = service_account(double.service_account(WHO), double.url)
    url = await GcsStore("acme", account, clock=wall.as_datetime).signed_url("a b.mp3", 5, content_type="t", disposition="d")
    assert url.startswith(
        f"{GOOGLE}/acme/a%20b.mp3?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=backup%40p.iam.gserviceaccount.com%2F"
    )
    fields = parse_qs(urlsplit(url).query)
    assert fields["X-Goog-Date"] == ["20261122T120000Z"]
    assert fields["X-Goog-Expires"] == ["5"]


@pytest.mark.parametrize("account", [None, {}], ids=["the machine's own identity", "an emulator"])
async def test_without_a_key_there_are_no_links(account: dict[str, str] | None) -> None:
    store = GcsStore("acme", account)
    assert not store.capabilities.signs_urls
    with pytest.raises(ValueError, match="no links"):
        await link(store)


async def test_the_library_makes_the_same_link(double: GcsDouble, wall: Wall, monkeypatch: pytest.MonkeyPatch) -> None:
    """gcloud-aio-storage signs for Google's address only, on the machine's clock; for that case both agree to the letter."""
    account = service_account(double.service_account(WHO), double.url)
    monkeypatch.setattr(blob, "HOST", "storage.googleapis.com")
    answers = {"response-content-type": "audio/mpeg", "response-content-disposition": DISPOSITION}
    async with aiohttp.ClientSession() as session:
        storage = Storage(token=Token(service_file=io.StringIO(json.dumps(account))), session=session)  # type: ignore[arg-type]
        theirs = await Blob(Bucket(storage, "acme"), KEY, {"size": 1}).get_signed_url(300, query_params=dict(answers))
    stamp = parse_qs(urlsplit(theirs).query)["X-Goog-Date"][0]
    now = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert sign(SignedLink(GOOGLE, "acme", KEY, 300, answers), account, now) == theirs


async def test_a_key_of_another_kind_is_refused() -> None:
    pem = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for key in (pem, "not a key"):
        with pytest.raises(BucketCredentialRefused):
            sign(SignedLink(GOOGLE, "acme", "k", 5, {}), {"client_email": WHO, "private_key": key}, datetime.now(UTC))


@pytest.mark.parametrize("seconds", [0, -1, LONGEST_LINK_S + 1, 604_800])
async def test_a_link_of_more_than_five_minutes_is_refused(store: GcsStore, seconds: int) -> None:
    with pytest.raises(ValueError, match="lasts"):
        await link(store, seconds=seconds)
