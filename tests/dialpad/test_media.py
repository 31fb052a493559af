"""Audio over real sockets: whole, short, endless, slow, elsewhere, and pages that only look like audio."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rokuon.dialpad.media import MediaRoute
from rokuon.domain.failures import (
    RecordingEmpty,
    RecordingEncoded,
    RecordingForbidden,
    RecordingGone,
    RecordingNotAudio,
    RecordingNotReady,
    RecordingRefused,
    RecordingTooLarge,
    RecordingTooSlow,
    RecordingTruncated,
    RecordingWithheld,
    SourceAnswerMalformed,
    SourceError,
    SourceKeyRefused,
    SourceKindDenied,
    SourceRedirectBlocked,
    SourceThrottled,
    SourceUnavailable,
    SourceUrlRefused,
)
from rokuon.domain.recording import RecordingKind
from rokuon.domain.settings import MediaCharge

from .worlds import AUDIO, KEY, QUICK, RECORDING_ID, http, json_answer, moved, raw_server, source_for

PATH = f"/r/{RECORDING_ID}"
BIG = 10**9


async def fetch(rig, url, limit=BIG, kind=RecordingKind.CALL):
    async with rig.source.open(kind, RECORDING_ID, url) as download:
        return await read(download, limit)


async def read(download, limit):
    return b"".join([piece async for piece in download.chunks(limit)])


async def outcome(answer, *, limit=BIG, kind=RecordingKind.CALL, **changes):
    """The body or the failure, the server with its requests, and the rig."""
    if isinstance(answer, bytes) or not callable(answer) or asyncio.iscoroutinefunction(answer):
        fixed = answer
        answer = lambda _: fixed  # noqa: E731
    async with raw_server(answer) as server, source_for(server.url, **changes) as rig:
        try:
            result = await fetch(rig, server.url + PATH, limit, kind)
        except Exception as exc:
            result = exc
        return result, server, rig


@pytest.mark.parametrize("length", [-1, None])
async def test_a_whole_body_arrives_whole(length):
    result, server, _ = await outcome(http(200, AUDIO, length=length))
    assert result == AUDIO
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert server.requests[0].headers["accept-encoding"] == "identity"
    assert "referer" not in server.requests[0].headers


async def test_the_announced_length_and_type_are_told():
    async with (
        raw_server(lambda _: http(200, AUDIO, kind="audio/mpeg; x=y")) as server,
        source_for(server.url) as rig,
        rig.source.open(RecordingKind.CALL, RECORDING_ID, server.url + PATH) as download,
    ):
        assert (download.length, download.content_type) == (len(AUDIO), "audio/mpeg")


async def test_without_a_content_type_none_is_told_and_the_bytes_decide():
    async with (
        raw_server(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc") as server,
        source_for(server.url) as rig,
        rig.source.open(RecordingKind.CALL, RECORDING_ID, server.url + PATH) as download,
    ):
        assert download.content_type == ""
        assert await read(download, 9) == b"abc"


async def test_a_chunked_body_has_no_length_and_arrives_whole():
    chunks = b"".join(f"{len(AUDIO):x}\r\n".encode() + AUDIO + b"\r\n" for _ in range(3)) + b"0\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    result, _, _ = await outcome(answer)
    assert result == AUDIO * 3


@pytest.mark.parametrize("missing", [1, 5000])
async def test_a_body_shorter_than_announced_is_truncated(missing):
    result, _, _ = await outcome(http(200, AUDIO[:-missing], length=len(AUDIO), close=True))
    assert isinstance(result, RecordingTruncated)


async def test_a_chunked_body_that_breaks_off_is_truncated():
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"
    result, _, _ = await outcome(answer)
    assert isinstance(result, RecordingTruncated)


async def test_a_close_delimited_cut_cannot_be_seen_and_so_announces_no_length():
    async with (
        raw_server(lambda _: http(200, AUDIO[:100], length=None)) as server,
        source_for(server.url) as rig,
        rig.source.open(RecordingKind.CALL, RECORDING_ID, server.url + PATH) as download,
    ):
        assert download.length is None
        assert await read(download, BIG) == AUDIO[:100]


@pytest.mark.parametrize("size", [100, 3_000_000])
async def test_bytes_past_the_announced_length_are_an_error_or_left_out_but_never_part_of_the_body(size):
    body = (AUDIO * 300)[:size]
    result, _, _ = await outcome(http(200, body + b"more", length=size))
    # In the packet of the headers they spoil the whole answer, later they are cut off: which, the network decides.
    assert result == body or isinstance(result, SourceAnswerMalformed)


async def test_bytes_that_arrive_after_the_body_are_never_the_answer_to_the_next_request():
    forged = http(200, b"the wrong recording")

    async def late(writer):
        writer.write(http(200, AUDIO))
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(forged)
        await writer.drain()
        await asyncio.sleep(0.5)

    answers = [late, http(200, AUDIO)]
    async with raw_server(lambda _: answers.pop(0)) as server, source_for(server.url) as rig:
        assert await fetch(rig, server.url + PATH) == AUDIO
        await asyncio.sleep(0.15)
        assert await fetch(rig, server.url + PATH) == AUDIO
        assert server.connections == 2


async def test_one_connection_serves_many_downloads_and_their_redirects():
    def answer(request):
        return moved("/blob-server/1") if request.path == PATH else http(200, AUDIO)

    async with raw_server(answer) as server, source_for(server.url) as rig:
        for _ in range(5):
            assert await fetch(rig, server.url + PATH) == AUDIO
        assert server.connections == 1


async def test_a_download_that_is_left_unread_does_not_disturb_the_next():
    async with raw_server(lambda _: http(200, AUDIO)) as server, source_for(server.url) as rig:
        async with rig.source.open(RecordingKind.CALL, RECORDING_ID, server.url + PATH):
            pass
        assert await fetch(rig, server.url + PATH) == AUDIO


# --- limits ------------------------------------------------------------------------------------------------------------


async def test_a_body_larger_than_the_limit_is_refused_by_its_announced_length():
    result, _, _ = await outcome(http(200, AUDIO), limit=len(AUDIO) - 1)
    assert isinstance(result, RecordingTooLarge)


async def test_an_announced_length_past_the_installations_limit_is_refused_before_the_body():
    result, _, _ = await outcome(http(200, b"", length=10 * 2**30, close=True))
    assert isinstance(result, RecordingTooLarge)


async def test_an_endless_body_ends_at_the_limit():
    written = 0

    async def endless(writer):
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()
            written += 65536

    result, _, _ = await outcome(endless, limit=1_000_000)
    assert isinstance(result, RecordingTooLarge)
    assert written < 12_000_000


@pytest.mark.parametrize("length", [f"Content-Length: {len(AUDIO)}\r\n", ""])
async def test_a_stall_is_too_slow(length):
    async def stall(writer):
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n{length}\r\n".encode() + AUDIO[: len(AUDIO) // 2])
        await writer.drain()
        await asyncio.sleep(1)

    result, _, _ = await outcome(stall)
    assert isinstance(result, RecordingTooSlow)


@pytest.mark.parametrize("length", ["Content-Length: 300\r\n", "Content-Length: 99999999\r\n", ""])
async def test_a_drip_is_too_slow_although_it_never_stalls(length):
    async def drip(writer):
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n{length}\r\n".encode())
        for _ in range(60):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    result, _, _ = await outcome(drip, limits=replace(QUICK, slow_window=0.25, total=60))
    assert isinstance(result, RecordingTooSlow)


@pytest.mark.parametrize("length", [f"Content-Length: {len(AUDIO)}\r\n", ""])
async def test_a_burst_at_the_start_buys_no_trickle_afterwards(length):
    async def burst(writer):
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\n{length}\r\n".encode() + AUDIO[:-400])
        for _ in range(60):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    result, _, _ = await outcome(burst, limits=replace(QUICK, slow_window=0.25, total=60))
    assert isinstance(result, RecordingTooSlow)
    assert f"{len(AUDIO) - 400}" <= result.detail, "it says how far it came"


async def test_a_slow_body_that_keeps_the_least_rate_arrives():
    async def steady(writer):
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: {len(AUDIO)}\r\n\r\n".encode())
        for at in range(0, len(AUDIO), 500):
            writer.write(AUDIO[at : at + 500])
            await writer.drain()
            await asyncio.sleep(0.05)

    result, _, _ = await outcome(steady, limits=replace(QUICK, slow_window=0.5, total=60))
    assert result == AUDIO


async def test_the_time_that_the_reader_takes_is_not_the_sources():
    async with (
        raw_server(lambda _: http(200, AUDIO * 200)) as server,
        source_for(server.url, limits=replace(QUICK, slow_window=0.2, total=0.5)) as rig,
        rig.source.open(RecordingKind.CALL, RECORDING_ID, server.url + PATH) as download,
    ):
        got = 0
        async for piece in download.chunks(BIG):
            got += len(piece)
            await asyncio.sleep(0.3)
    assert got == len(AUDIO) * 200


async def test_silence_before_the_answer_is_unavailable():
    async def nothing(writer):
        await asyncio.sleep(1)

    result, server, _ = await outcome(nothing)
    assert isinstance(result, SourceUnavailable)
    assert len(server.requests) == QUICK.tries


# --- what is not audio --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "failure", "requests"),
    [
        (202, RecordingNotReady, 1),
        (206, SourceAnswerMalformed, 2),
        (226, SourceAnswerMalformed, 2),
        (304, SourceAnswerMalformed, 2),
        (400, RecordingRefused, 1),
        (402, RecordingRefused, 1),
        (409, RecordingRefused, 1),
        (418, RecordingRefused, 1),
        (423, RecordingRefused, 1),
        (425, RecordingRefused, 1),
        (499, RecordingRefused, 1),
        (408, SourceUnavailable, QUICK.tries),
        (451, RecordingWithheld, 1),
        (401, SourceKeyRefused, 2),
        (403, RecordingForbidden, 1),
        (404, RecordingNotReady, 1),
        (410, RecordingGone, 1),
        (429, SourceThrottled, QUICK.tries),
        (500, SourceUnavailable, QUICK.tries),
        (503, SourceUnavailable, QUICK.tries),
    ],
)
async def test_each_status_has_its_meaning(status, failure, requests):
    result, server, rig = await outcome(http(status, b"<html>x</html>" if status != 304 else b"", kind="text/html"))
    assert type(result) is failure
    assert len(server.requests) == requests
    assert rig.slots.taken == requests


async def test_no_content_is_empty():
    result, _, _ = await outcome(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert isinstance(result, RecordingEmpty)


async def test_an_outage_that_ends_gives_the_audio():
    answers = [http(503), http(429, b"", "Retry-After: 3"), http(200, AUDIO)]
    result, _, rig = await outcome(lambda _: answers.pop(0))
    assert result == AUDIO
    assert rig.slots.slowed == [3]


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "application/xml", "text/html", "application/problem+json"])
async def test_a_text_answer_is_not_audio(kind):
    result, _, _ = await outcome(http(200, b"<html><body>This recording has expired. <a href='/login'>Log in</a></body></html>", kind=kind))
    assert isinstance(result, RecordingNotAudio)


@pytest.mark.parametrize(
    "page",
    [
        b'<html><form action="/auth"><input name="p" type="password"></form>',
        b"<HTML><INPUT TYPE=PASSWORD>",
        b'<form method=post action="https://dialpad.com/login?x=1">',
        b" " * 30_000 + b"<input type='password'/>",
    ],
)
async def test_a_login_page_denies_the_kind(page):
    result, _, _ = await outcome(http(200, page, kind="text/html; charset=utf-8"))
    assert isinstance(result, SourceKindDenied)


@pytest.mark.parametrize("kind", ["text/plain", "text/html", "application/octet-stream", "application/json", "binary/octet-stream", "x"])
async def test_bytes_that_are_no_page_are_taken_whatever_type_they_are_given(kind):
    result, _, _ = await outcome(http(200, AUDIO, kind=kind))
    assert result == AUDIO


@pytest.mark.parametrize("name", ["identity", "none", "binary", "", "Identity", "identity, identity", "8bit"])
async def test_a_word_for_no_encoding_is_none(name):
    result, _, _ = await outcome(http(200, AUDIO, f"Content-Encoding: {name}"))
    assert result == AUDIO


async def test_an_answer_that_a_proxy_changed_is_taken_by_its_bytes():
    result, _, _ = await outcome(http(203, AUDIO))
    assert result == AUDIO


@pytest.mark.parametrize("length", [-1, None])
async def test_a_206_of_the_whole_is_the_whole_and_holds_to_its_length(length):
    whole = f"Content-Range: bytes 0-{len(AUDIO) - 1}/{len(AUDIO)}"
    result, _, _ = await outcome(http(206, AUDIO, whole, length=length))
    assert result == AUDIO
    result, _, _ = await outcome(http(206, AUDIO[:-1], whole, length=None))
    assert isinstance(result, RecordingTruncated)


@pytest.mark.parametrize(
    ("span", "failure"),
    [
        ("bytes 0-99/200", RecordingTruncated),
        ("bytes 100-199/200", RecordingTruncated),
        ("bytes 0-99/*", SourceAnswerMalformed),
        ("bytes 0-98/99", SourceAnswerMalformed),
        ("bytes 0-99/50", SourceAnswerMalformed),
        ("seconds 0-99/100", SourceAnswerMalformed),
        ("", SourceAnswerMalformed),
    ],
)
async def test_a_206_of_a_part_is_never_a_recording(span, failure):
    result, _, _ = await outcome(http(206, AUDIO[:100], f"Content-Range: {span}"))
    assert type(result) is failure


@pytest.mark.parametrize("location", ["/blob server/x y", "/blob/録音.mp3", " /blob/x ", "/blob/\tx", "blob/x", "/blob/x#t=1"])
async def test_a_redirect_is_cleaned_as_a_browser_does(location):
    result, server, _ = await outcome(lambda request: moved(location) if request.path == PATH else http(200, AUDIO))
    assert result == AUDIO
    assert all(part.isascii() and " " not in part for part in (request.target for request in server.requests))


@pytest.mark.parametrize("header", ["Content-Encoding: gzip", "Content-Encoding: br", "Content-Encoding: x-unknown"])
async def test_a_compressed_answer_is_refused(header):
    result, _, _ = await outcome(http(200, AUDIO, header))
    assert isinstance(result, RecordingEncoded)


@pytest.mark.parametrize("body", [b"", bytes(1000), b"<html>", b'{"error": 1}'])
async def test_bytes_that_call_themselves_audio_are_handed_on_for_the_audio_proof(body):
    result, _, _ = await outcome(http(200, body))
    assert result == body


# --- redirects ----------------------------------------------------------------------------------------------------------


async def test_the_chain_of_the_real_source_is_followed_and_the_key_stays_out_of_every_address():
    def answer(request):
        if request.path == PATH:
            return moved(f"/secureblob/x?apikey={KEY}&sig=a%2Bb")
        if request.path == "/secureblob/x":
            return moved("/blob-server/y")
        return http(200, AUDIO)

    result, server, rig = await outcome(answer)
    assert result == AUDIO
    assert [one.target for one in server.requests] == [PATH, "/secureblob/x?sig=a%2Bb", "/blob-server/y"]
    assert all(one.headers["authorization"] == f"Bearer {KEY}" for one in server.requests)
    assert rig.slots.taken == 1


@pytest.mark.parametrize(("charge", "taken"), [(MediaCharge.NONE, 0), (MediaCharge.ONE, 1), (MediaCharge.EACH, 3)])
async def test_the_setting_says_what_a_download_costs(charge, taken):
    steps = {PATH: moved("/a"), "/a": moved("/b"), "/b": http(200, AUDIO)}
    result, _, rig = await outcome(lambda request: steps[request.path], charge=charge)
    assert result == AUDIO
    assert rig.slots.taken == taken


async def test_another_allowed_host_serves_audio_without_ever_getting_the_key_back():
    async with raw_server(lambda r: http(200, AUDIO)) as last:
        home = {}

        def middle_answer(request):
            return moved(f"{home['url']}/back")

        async with raw_server(middle_answer) as middle:

            def answer(request):
                return moved(f"{middle.url}/m?apikey={KEY}") if request.path == PATH else moved(f"{last.url}/z")

            async with raw_server(answer) as first, source_for(first.url, allow_hosts=[middle.url, last.url]) as rig:
                home["url"] = first.url
                assert await fetch(rig, first.url + PATH) == AUDIO
                assert [("authorization" in one.headers) for one in first.requests] == [True, False]
                for other in (middle, last):
                    assert len(other.requests) == 1
                    assert KEY not in str(other.requests)


@pytest.mark.parametrize(
    "where", ["{evil}/x", "//127.0.0.1:{port}/x", "http://localhost:{port}/x", "{evil}/login", "http://169.254.169.254/x"]
)
async def test_a_redirect_to_another_host_is_blocked_and_sends_nothing_there(where):
    async with raw_server(lambda _: http(200, AUDIO)) as evil:
        result, server, _ = await outcome(moved(where.format(evil=evil.url, port=evil.port)))
        assert isinstance(result, SourceRedirectBlocked) or (isinstance(result, SourceKindDenied) and "/login" in where)
        assert evil.connections == 0
        assert len(server.requests) == 1


async def test_a_redirect_circle_is_malformed_and_may_pass():
    steps = {PATH: "/a", "/a": "/b", "/b": "/a"}
    result, server, _ = await outcome(lambda request: moved(steps[request.path]))
    assert isinstance(result, SourceAnswerMalformed)
    assert len(server.requests) == 2 * 3, "asked once more"


async def test_too_many_redirects_are_malformed():
    result, server, _ = await outcome(lambda request: moved(f"{request.path}x"))
    assert isinstance(result, SourceAnswerMalformed)
    assert len(server.requests) == 2 * 5, "asked once more"


async def test_a_redirect_without_a_location_is_malformed():
    result, _, _ = await outcome(http(302))
    assert isinstance(result, SourceAnswerMalformed)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_every_redirect_status_to_the_login_page_denies_the_kind(status):
    result, server, _ = await outcome(moved("/login?continue=%2Fr%2F1", status))
    assert isinstance(result, SourceKindDenied)
    assert len(server.requests) == 1, "the login page itself is not fetched"


# --- first address ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["https://evil.example/r/" + RECORDING_ID, "http://127.0.0.1:1/r/" + RECORDING_ID, "file:///etc/passwd"])
async def test_an_address_elsewhere_is_refused_without_a_request(url):
    async with raw_server(lambda _: http(200, AUDIO)) as server, source_for(server.url) as rig:
        with pytest.raises(SourceUrlRefused):
            await fetch(rig, url)
        assert server.requests == []
        assert rig.slots.taken == 0


@pytest.mark.parametrize(
    ("kind", "path"),
    [(RecordingKind.CALL, PATH), (RecordingKind.ADMIN, f"/blob/adminrecording/{RECORDING_ID}.mp3"), (RecordingKind.VOICEMAIL, PATH)],
)
async def test_without_a_listed_address_the_route_of_the_kind_makes_one(kind, path):
    async with raw_server(lambda _: http(200, AUDIO)) as server, source_for(server.url) as rig:
        assert await fetch(rig, "", kind=kind) == AUDIO
        assert [one.target for one in server.requests] == [path]


async def test_the_route_of_a_kind_can_be_replaced():
    routes = {RecordingKind.ADMIN: MediaRoute("/elsewhere/{id}", by_id=True)}
    result, server, _ = await outcome(http(200, AUDIO), kind=RecordingKind.ADMIN, routes=routes)
    assert result == AUDIO
    assert [one.path for one in server.requests] == [f"/elsewhere/{RECORDING_ID}"]


async def test_a_cancelled_download_leaves_the_source_usable():
    async def slow(writer):
        writer.write(http(200, AUDIO)[:-1])
        await writer.drain()
        await asyncio.sleep(1)

    answers = [slow, http(200, AUDIO)]
    async with raw_server(lambda _: answers.pop(0)) as server, source_for(server.url) as rig:
        task = asyncio.create_task(fetch(rig, server.url + PATH))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await fetch(rig, server.url + PATH) == AUDIO


async def test_a_closed_source_can_be_closed_again():
    async with raw_server(lambda _: json_answer({})) as server, source_for(server.url) as rig:
        await fetch_quietly(rig, server.url)
        await rig.source.close()
        await rig.source.close()


async def fetch_quietly(rig, url):
    with pytest.raises(RecordingNotAudio):
        await fetch(rig, url + PATH)


_VALID = http(200, AUDIO[:60], "X-A: b")


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    at=st.integers(0, len(_VALID)),
    remove=st.integers(0, 30),
    put=st.binary(max_size=30)
    | st.sampled_from([b"\r\n", b"\r\n\r\n", b"Content-Length: 9\r\n", b"Transfer-Encoding: chunked\r\n", b"Location: //x"]),
)
async def test_whatever_bytes_arrive_the_outcome_is_a_body_or_a_source_error(at, remove, put):
    async def answer(writer):
        writer.write(_VALID[:at] + put + _VALID[at + remove :])
        await writer.drain()

    limits = replace(QUICK, silence=0.1, answer=0.3, tries=1)
    result, _, _ = await outcome(answer, limits=limits)
    assert isinstance(result, bytes | SourceError), repr(result)
