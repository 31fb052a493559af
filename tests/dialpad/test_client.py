"""What an API answer means: each status, each broken answer, over real TCP."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp.abc import AbstractResolver

from rokuon.dialpad.faults import retry_after_of
from rokuon.dialpad.source import DialpadSource
from rokuon.domain.failures import (
    ConfigError,
    SourceAddressUnknown,
    SourceAnswerMalformed,
    SourceKeyRefused,
    SourceRequestRefused,
    SourceScopeMissing,
    SourceThrottled,
    SourceTlsInvalid,
    SourceUnavailable,
    SourceUrlRefused,
)
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import COMPANY_SCOPE

from .worlds import KEY, NOW_MS, QUICK, Slots, http, json_answer, listed, raw_server, source_for

HOUR = TimeRange(NOW_MS - 3_600_000, NOW_MS)
EMPTY = json_answer({"cursor": None, "items": []})


async def outcome(answers, **changes):
    """The pages, the requests and what was waited for, given the answers in order (the last one stays)."""
    left = list(answers)

    def answer(_):
        return left.pop(0) if len(left) > 1 else left[0]

    async with raw_server(answer) as server, source_for(server.url, **changes) as rig:
        try:
            result = await listed(rig.source, COMPANY_SCOPE, HOUR)
        except Exception as exc:
            result = exc
        return result, server.requests, rig


@pytest.mark.parametrize(
    ("status", "failure", "requests"),
    [
        (400, SourceRequestRefused, 1),
        (401, SourceKeyRefused, 2),
        (403, SourceScopeMissing, 1),
        (404, SourceAddressUnknown, 1),
        (409, SourceRequestRefused, 1),
        (410, SourceAddressUnknown, 1),
        (413, SourceRequestRefused, 1),
        (429, SourceThrottled, QUICK.tries),
        (500, SourceUnavailable, QUICK.tries),
        (502, SourceUnavailable, QUICK.tries),
        (503, SourceUnavailable, QUICK.tries),
        (504, SourceUnavailable, QUICK.tries),
        (302, SourceAnswerMalformed, 2),
        (206, SourceAnswerMalformed, 2),
    ],
)
async def test_each_status_has_its_meaning_and_its_number_of_tries(status, failure, requests):
    result, seen, rig = await outcome([json_answer({"error": {"code": status}}, status, "Location: /elsewhere")])
    assert type(result) is failure
    assert len(seen) == requests
    assert rig.slots.taken == requests, "every try takes a send slot"


async def test_one_401_is_not_believed_and_a_second_one_is():
    result, seen, _ = await outcome([json_answer({}, 401), EMPTY])
    assert result[0].last
    assert len(seen) == 2


async def test_the_key_is_in_the_header_and_in_nothing_else():
    _, seen, _ = await outcome([EMPTY])
    headers = seen[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in seen[0].target
    assert "cookie" not in headers
    assert "referer" not in headers
    assert headers["accept-encoding"] == "identity"


async def test_cookies_are_not_kept():
    answers = [json_answer({"cursor": "1"}, 200, "Set-Cookie: a=b; Path=/"), EMPTY]
    async with raw_server(lambda _: answers.pop(0)) as server:
        # By name: no client keeps a cookie of a bare address.
        async with source_for(f"http://localhost:{server.port}", resolver=Names(["127.0.0.1"])) as rig:
            await listed(rig.source, COMPANY_SCOPE, HOUR)
        assert len(server.requests) == 2
        assert "cookie" not in server.requests[1].headers


async def test_proxy_variables_are_ignored(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    result, _, _ = await outcome([EMPTY])
    assert result[0].last


async def test_no_content_is_an_empty_list():
    result, _, _ = await outcome([b"HTTP/1.1 204 No Content\r\n\r\n"])
    assert result[0].last
    assert result[0].calls == ()


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("Retry-After: 7", 7),
        ("Retry-After: 0", 1),
        ("Retry-After: -1", 1),
        ("Retry-After: 30", 30),
        ("Date: Thu, 06 Aug 2026 01:00:00 GMT\r\nRetry-After: Thu, 06 Aug 2026 01:00:09 GMT", 9),
        ("Date: Thu, 06 Aug 2026 01:00:00 GMT\r\nRetry-After: Thu, 06 Aug 2020 01:00:09 GMT", 1),
        ("X-Nothing: 1", 1),
        ("Retry-After: 20.5", 20.5),
        ("Retry-After: 25s", 25),
        ("Date: Thu, 06 Aug 2026 01:00:00 GMT\r\nRetry-After: Thu Aug  6 01:00:09 2026", 9),
    ],
)
async def test_a_429_slows_the_company_for_the_time_named_and_the_list_goes_on(header, pause):
    result, seen, rig = await outcome([json_answer({}, 429, header), EMPTY])
    assert result[0].last
    assert len(seen) == 2
    assert rig.slots.slowed == [pause]
    assert rig.waits.seconds == [pause]


@pytest.mark.parametrize("value", ["soon", "", "20,5"])
async def test_a_wait_that_cannot_be_read_is_a_minute_for_the_whole_company(value):
    result, seen, rig = await outcome([json_answer({}, 429, f"Retry-After: {value}")])
    assert isinstance(result, SourceThrottled)
    assert (len(seen), rig.slots.slowed) == (1, [60])


@pytest.mark.parametrize(("value", "obeyed"), [("1000000000", 86_400), ("901", 901), ("43200", 43_200), ("9" * 200, 86_400)])
async def test_a_long_retry_after_is_obeyed_for_a_day_at_most_and_not_sat_out_in_place(value, obeyed):
    result, seen, rig = await outcome([json_answer({}, 429, f"Retry-After: {value}")])
    assert isinstance(result, SourceThrottled)
    assert result.retry_after is not None
    assert result.retry_after >= 901, "what was asked for is told on; whoever waits bounds it"
    assert len(seen) == 1
    assert rig.slots.slowed == [obeyed]
    assert rig.waits.seconds == []


def test_a_date_is_compared_with_the_answers_own_clock_or_else_with_ours():
    later = "Thu, 06 Aug 2026 01:00:09 GMT"
    assert retry_after_of({"Retry-After": later, "Date": "Thu, 06 Aug 2026 01:00:00 GMT"}, 0) == 9
    assert retry_after_of({"Retry-After": later}, 1_785_978_004_000) == 5


async def test_backoff_grows_by_full_jitter():
    result, _, rig = await outcome([json_answer({}, 503)], random=lambda: 0.5)
    assert isinstance(result, SourceUnavailable)
    assert rig.waits.seconds == [1.0, 2.0]


async def test_after_an_outage_the_list_goes_on():
    result, seen, _ = await outcome([http(502, b"<html>bad gateway</html>", kind="text/html"), EMPTY])
    assert result[0].last
    assert len(seen) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"items": [',
        b"[]",
        b"null",
        b'"text"',
        b'{"items": [NaN]}',
        b'{"items": [Infinity]}',
        b'{"items": 7}',
        b'{"items": {}}',
        b'{"items": [], "cursor": true}',
        b'{"items": [], "cursor": {}}',
        b'{"error": {"code": 200}}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"items": [' + b"9" * 5000 + b"]}",
        b"<html>login</html>",
    ],
)
async def test_an_answer_that_is_not_a_list_is_malformed(body):
    result, _, _ = await outcome([http(200, body, kind="application/json")])
    assert isinstance(result, SourceAnswerMalformed)


async def test_an_answer_larger_than_the_cap_is_refused_before_it_is_parsed():
    large = b'{"items": []}' + b" " * 200_000
    result, _, _ = await outcome([http(200, large)], limits=replace(QUICK, json=100_000))
    assert isinstance(result, SourceAnswerMalformed)


async def test_a_compressed_answer_is_refused():
    result, _, _ = await outcome([http(200, b"x", "Content-Encoding: gzip", kind="application/json")])
    assert isinstance(result, SourceAnswerMalformed)


async def test_a_cut_answer_is_tried_again():
    cut = http(200, b'{"items"', length=500, kind="application/json", close=True)
    result, seen, _ = await outcome([cut, EMPTY])
    assert result[0].last
    assert len(seen) == 2


async def test_garbage_instead_of_http_is_malformed():
    result, _, _ = await outcome([b"SSH-2.0-OpenSSH_9.2\r\n\r\n"])
    assert isinstance(result, SourceAnswerMalformed)


async def test_silence_is_unavailable_after_the_time_limit():
    async def say_nothing(writer):
        await asyncio.sleep(1)

    result, seen, _ = await outcome([say_nothing])
    assert isinstance(result, SourceUnavailable)
    assert len(seen) == QUICK.tries


async def test_headers_that_drip_for_ever_are_unavailable():
    async def drip(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(100):
            writer.write(f"X-{number}: y\r\n".encode())
            await writer.drain()
            await asyncio.sleep(0.1)

    result, _, _ = await outcome([drip], limits=replace(QUICK, answer=0.3, slow_window=0.2, tries=1))
    assert isinstance(result, SourceUnavailable)


async def test_a_refused_connection_is_unavailable():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with source_for(f"http://127.0.0.1:{taken.getsockname()[1]}") as rig:
            with pytest.raises(SourceUnavailable):
                await listed(rig.source, COMPANY_SCOPE, HOUR)


class Names(AbstractResolver):
    """Answers with the given addresses, one list per question; None is a name that does not exist."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(self, host, port=0, family=socket.AF_INET):
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if found is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [{"hostname": host, "host": one, "port": port, "family": family, "proto": 0, "flags": 0} for one in found]

    async def close(self):
        pass


async def test_a_name_that_does_not_resolve_is_unavailable_and_tried_again():
    names = Names(None)
    async with source_for("https://dialpad.com", resolver=names) as rig:
        with pytest.raises(SourceUnavailable):
            await listed(rig.source, COMPANY_SCOPE, HOUR)
    assert len(names.asked) == QUICK.tries


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.1.2.3"], ["8.8.8.8", "169.254.169.254"], ["::1"], ["64:ff9b::7f00:1"]])
async def test_a_name_with_any_address_that_is_not_public_is_not_connected_to(addresses):
    async with source_for("https://dialpad.com", resolver=Names(addresses)) as rig:
        with pytest.raises(SourceUrlRefused):
            await listed(rig.source, COMPANY_SCOPE, HOUR)


async def test_a_name_that_changes_to_a_private_address_is_refused_on_the_next_connection():
    from rokuon.dialpad.network import CheckedResolver

    resolver = CheckedResolver(Names(["8.8.8.8"], ["127.0.0.1"]), frozenset())
    assert [one["host"] for one in await resolver.resolve("dialpad.com", 443)] == ["8.8.8.8"]
    with pytest.raises(SourceUrlRefused):
        await resolver.resolve("dialpad.com", 443)


async def test_localhost_must_be_this_machine():
    async with raw_server(lambda _: EMPTY) as server:
        url = f"http://localhost:{server.port}"
        async with source_for(url, resolver=Names(["127.0.0.1"])) as rig:
            assert (await listed(rig.source, COMPANY_SCOPE, HOUR))[0].last
        async with source_for(url, resolver=Names(["8.8.8.8"])) as rig:
            with pytest.raises(SourceUrlRefused):
                await listed(rig.source, COMPANY_SCOPE, HOUR)


@pytest.mark.parametrize("address", ["http://dialpad.com", "https://10.0.0.1", "dialpad.com"])
def test_a_source_with_a_bad_address_is_not_made(address):
    with pytest.raises(ConfigError):
        DialpadSource(address, KEY, Slots(), now_ms=lambda: NOW_MS)


@pytest.mark.parametrize("key", ["", " ", "canary 7", "canary\n", "canary\r\nX: y", "canaryé"])
def test_a_key_that_cannot_be_one_is_an_error_that_does_not_repeat_it(key):
    with pytest.raises(ConfigError) as caught:
        DialpadSource("https://dialpad.com", key, Slots(), now_ms=lambda: NOW_MS)
    assert "canary" not in str(caught.value)


# --- TLS ---------------------------------------------------------------------------------------------------------------


def certificate(folder, host, days=1):
    """A self-signed certificate for `host` that is its own authority; `days` below 0: already expired."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - datetime.timedelta(days=10))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@asynccontextmanager
async def tls_server(path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(EMPTY)
        await writer.drain()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize(("host", "days", "works"), [("localhost", 1, True), ("localhost", -1, False), ("dialpad.com", 1, False)])
async def test_tls_is_verified_for_name_and_time(tmp_path, host, days, works):
    path = certificate(tmp_path, host, days)
    trust = ssl.create_default_context(cafile=str(path))
    async with tls_server(path) as port, source_for(f"https://localhost:{port}", tls=trust, resolver=Names(["127.0.0.1"])) as rig:
        if works:
            assert (await listed(rig.source, COMPANY_SCOPE, HOUR))[0].last
        else:
            with pytest.raises(SourceTlsInvalid):
                await listed(rig.source, COMPANY_SCOPE, HOUR)


async def test_a_certificate_of_nobody_we_trust_is_refused(tmp_path):
    path = certificate(tmp_path, "localhost")
    async with tls_server(path) as port, source_for(f"https://localhost:{port}", resolver=Names(["127.0.0.1"])) as rig:
        with pytest.raises(SourceTlsInvalid):
            await listed(rig.source, COMPANY_SCOPE, HOUR)
