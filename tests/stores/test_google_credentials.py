"""Credentials of Google: which files are taken, what is said of the others, and why a token is refused."""

import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from rokuon.domain.failures import (
    BucketCertificateIncomplete,
    BucketClockRefused,
    BucketCredentialRefused,
    BucketCredentialUnsupported,
    ConfigError,
    StoreError,
    StoreUnavailable,
)
from rokuon.stores.gcs import GcsStore
from rokuon.stores.google_key import refuse_weak, service_account
from tests.authority import Authority, trusted_strictly

URI = "https://oauth2.googleapis.com/token"
EMAIL = "backup@p.iam.gserviceaccount.com"


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


GOOD = pem(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def key_file(**changes: object) -> str:
    fields = {"type": "service_account", "client_email": EMAIL, "private_key": GOOD, "token_uri": URI}
    return json.dumps({**fields, **changes})


# --- what a person hands over -----------------------------------------------------------------------------------------------


def test_a_byte_order_mark_before_the_file_is_no_obstacle() -> None:
    assert service_account("\ufeff" + key_file())["client_email"] == EMAIL
    refuse_weak("\ufeff" + key_file())


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"type": "external_account", "audience": "x"}, ["external_account", "GOOGLE_APPLICATION_CREDENTIALS", "without a key file"]),
        ({"type": "external_account_authorized_user"}, ["external_account_authorized_user", "service account"]),
        ({"type": "authorized_user", "refresh_token": "1//secret"}, ["authorized_user", "service account"]),
        ({"type": "impersonated_service_account"}, ["impersonated_service_account", "GOOGLE_APPLICATION_CREDENTIALS"]),
        ({"type": "gdch_service_account"}, ["gdch_service_account", "does not support"]),
        ({"installed": {"client_id": "x", "client_secret": "secret"}}, ["OAuth client", "service account"]),
        ({"web": {"client_id": "x"}}, ["OAuth client"]),
        ({"type": "something_new"}, ["not a service account key"]),
        ({"type": ["service_account"]}, ["not a service account key"]),
    ],
)
def test_another_kind_of_file_is_named_with_the_way_that_works(fields: dict[str, object], says: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        service_account(json.dumps(fields))
    sentence = str(refused.value)
    assert all(word in sentence for word in says), sentence
    assert "secret" not in sentence


@pytest.mark.parametrize("text", ["", "\ufeff", "[]", "null", "{", "[" * 100_000, '"service_account"'])
def test_what_is_no_file_of_google_s_at_all_is_said_so(text: str) -> None:
    with pytest.raises(ConfigError, match="not a service account key"):
        service_account(text)


@pytest.mark.parametrize("key", [ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()], ids=["EC", "Ed25519"])
def test_a_key_that_is_not_rsa_is_refused(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> None:
    with pytest.raises(ConfigError, match="not an RSA key"):
        service_account(key_file(private_key=pem(key)))


@pytest.mark.parametrize("bits", [1024, 1536])
def test_a_short_rsa_key_is_refused_when_it_is_entered_and_one_in_use_goes_on(bits: int) -> None:
    short = key_file(private_key=pem(rsa.generate_private_key(public_exponent=65537, key_size=bits)))
    with pytest.raises(ConfigError, match="2,048 bits"):
        refuse_weak(short)
    assert service_account(short)["client_email"] == EMAIL


# --- the machine's own ------------------------------------------------------------------------------------------------------


async def asked_with(text: str | bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> StoreError:
    file = folder / "credentials.json"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    store = GcsStore("recordings", None, endpoint="http://127.0.0.1:9")
    try:
        with pytest.raises(StoreError) as failed:
            await store.stat("x")
    finally:
        await store.close()
    return failed.value


def external(**source: object) -> str:
    fields = {"type": "external_account", "audience": "//iam", "subject_token_type": "t", "token_url": "http://127.0.0.1:9/sts"}
    return json.dumps({**fields, "credential_source": source})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (external(environment_id="aws1", region_url="http://169.254.169.254/"), "aws source"),
        (external(executable={"command": "/bin/true"}), "executable"),
        (external(certificate={"use_default_certificate_config": True}), "certificate"),
        (json.dumps({"type": "impersonated_service_account", "source_credentials": {"type": "external_account"}}), "source_credentials"),
        (json.dumps({"type": "gdch_service_account"}), "gdch_service_account"),
        (json.dumps({"type": "external_account_authorized_user"}), "external_account_authorized_user"),
        (json.dumps({"type": 7}), "unknown"),
    ],
)
async def test_a_machine_s_credential_that_cannot_work_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    failure = await asked_with(text, tmp_path, monkeypatch)
    assert isinstance(failure, BucketCredentialUnsupported)
    assert says in failure.detail


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe{\x00}\x00"])
async def test_a_file_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes) -> None:
    failure = await asked_with(text, tmp_path, monkeypatch)
    assert isinstance(failure, BucketCredentialRefused)
    assert "GOOGLE_APPLICATION_CREDENTIALS" in failure.detail


async def test_a_machine_s_key_file_with_a_byte_order_mark_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failure = await asked_with("\ufeff" + key_file(token_uri="http://127.0.0.1:9/token"), tmp_path, monkeypatch)
    assert isinstance(failure, StoreUnavailable), "it goes as far as asking for a token"


# --- why a token is refused -------------------------------------------------------------------------------------------------


class TokenServer:
    def __init__(self) -> None:
        self.answer: dict[str, object] = {}
        self.date = ""
        self.url = ""

    async def token(self, _request: web.Request) -> web.Response:
        return web.json_response(self.answer, status=400, headers={"Date": self.date} if self.date else {})


@pytest.fixture
async def google() -> AsyncIterator[TokenServer]:
    made = TokenServer()
    app = web.Application()
    app.router.add_post("/token", made.token)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = "http://{}:{}".format(*runner.addresses[0][:2])
    yield made
    await runner.cleanup()


async def refusal(google: TokenServer, **answer: object) -> StoreError:
    google.answer = answer
    account = service_account(key_file(token_uri=f"{google.url}/token"), google.url)
    store = GcsStore("recordings", account, endpoint=google.url)
    try:
        with pytest.raises(StoreError) as failed:
            await store.stat("x")
    finally:
        await store.close()
    return failed.value


SHORT_LIVED = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


async def test_a_wrong_clock_is_told_from_what_google_says_of_the_claims(google: TokenServer) -> None:
    failure = await refusal(google, error="invalid_grant", error_description=SHORT_LIVED)
    assert isinstance(failure, BucketClockRefused)
    assert failure.detail == "400 invalid_grant"


@pytest.mark.parametrize("off", [timedelta(hours=-1), timedelta(minutes=10), timedelta(days=400)])
async def test_a_wrong_clock_is_told_from_google_s_own_time(google: TokenServer, off: timedelta) -> None:
    google.date = format_datetime(datetime.now(UTC) + off, usegmt=True)
    assert isinstance(await refusal(google, error="invalid_grant", error_description="Invalid JWT"), BucketClockRefused)


@pytest.mark.parametrize(
    "description", ["Invalid JWT Signature.", "Invalid grant: account not found", "expected an experiment", "", None, 7]
)
async def test_a_deleted_key_is_a_refused_credential(google: TokenServer, description: object) -> None:
    failure = await refusal(google, error="invalid_grant", error_description=description)
    assert isinstance(failure, BucketCredentialRefused)
    assert failure.detail == "400 invalid_grant"


@pytest.mark.parametrize("answer", [{"error": {"code": 400}}, {"error": "a sentence with a name"}, {"error": ["x"]}, {}])
async def test_an_odd_refusal_is_a_refused_credential_and_quotes_nothing(google: TokenServer, answer: dict[str, object]) -> None:
    failure = await refusal(google, **answer)
    assert isinstance(failure, BucketCredentialRefused)
    assert failure.detail == "400"


# --- on the way -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["the store", "the token's server"])
async def test_a_certificate_without_key_identifiers_is_said_to_lack_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """A proxy before Google shows a certificate of the company's own authority."""
    authority = Authority(tmp_path, "old", keeps_rfc_5280=False)
    trusted_strictly(authority, monkeypatch)
    # aiohttp makes its context when it is imported.
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", ssl.create_default_context())
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=authority.server()).start()
    url = "https://{}:{}".format(*runner.addresses[0][:2])
    account = {} if who == "the store" else service_account(key_file(token_uri=f"{url}/token"), url)
    store = GcsStore("recordings", account, endpoint=url)
    try:
        with pytest.raises(BucketCertificateIncomplete, match="Key Identifier"):
            await store.stat("x")
    finally:
        await store.close()
        await runner.cleanup()
