"""The key, and the paths and queries of addresses, appear in no log record and in no exception, whatever goes wrong."""

import asyncio
import logging
import traceback

import pytest

from rokuon.domain.failures import SourceError
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, RecordingKind

from .worlds import AUDIO, KEY, NOW_MS, RECORDING_ID, http, json_answer, listed, moved, raw_server, source_for

CANARIES = (KEY, "canary-path", "canary-query", "canary-name", RECORDING_ID)


async def stall(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nContent-Length: 99\r\n\r\nx")
    await writer.drain()
    await asyncio.sleep(1)


async def reset(writer):
    writer.transport.abort()


FAULTS = {
    "400": json_answer({"error": {"message": f"canary-name {KEY}"}}, 400),
    "401": json_answer({"error": {"message": KEY}}, 401),
    "403": http(403, KEY.encode(), kind="text/html"),
    "404": json_answer({"canary-name": KEY}, 404),
    "429": http(429, KEY.encode(), f"Retry-After: {KEY}"),
    "500": http(500, KEY.encode()),
    "reset": reset,
    "stall": stall,
    "garbage": f"HTTP/1.1 {KEY}\r\ncanary-name\r\n\r\n".encode(),
    "bad header": f"HTTP/1.1 200 OK\r\nbad header {KEY}\r\n\r\n".encode(),
    "long header": f"HTTP/1.1 200 OK\r\nX: {KEY}{'x' * 20_000}\r\n\r\n".encode(),
    "bad length": f"HTTP/1.1 200 OK\r\nContent-Length: {KEY}\r\n\r\n".encode(),
    "bad chunk": f"HTTP/1.1 200 OK\r\nContent-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n\r\n{KEY}\r\n".encode(),
    "short": http(200, AUDIO[:-9], length=len(AUDIO), close=True),
    "short json": http(200, f'{{"{KEY}'.encode(), kind="application/json"),
    "html": http(200, f"<html>{KEY} canary-name".encode(), kind="text/html"),
    "type": http(200, b"x", kind=f"text/{KEY}"),
    "encoding": http(200, b"x", f"Content-Encoding: {KEY}"),
    "login": moved(f"/login?canary-query={KEY}"),
    "elsewhere": moved(f"https://evil.example/canary-path?apikey={KEY}"),
    "downgrade": moved(f"http://dialpad.com/canary-path/{KEY}"),
    "unreadable": moved(f"https://ev il/canary-path/{KEY}"),
    "loop": moved(f"/r/{RECORDING_ID}?apikey={KEY}&canary-query=1"),
    "names": json_answer({"items": [{"call_id": KEY, "date_started": "canary-name"}], "cursor": {"canary-name": KEY}}),
}


def chain(exc):
    """The exception with everything that hangs on it."""
    seen = []
    while exc is not None and exc not in seen:
        seen.append(exc)
        yield exc
        exc = exc.__cause__ or exc.__context__


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_log_record_and_no_exception_tells_a_secret(fault, caplog):
    caplog.set_level(logging.DEBUG)
    caught: list[BaseException] = []
    async with raw_server(lambda _: FAULTS[fault]) as server, source_for(server.url) as rig:

        async def audio():
            url = f"{server.url}/canary-path/{RECORDING_ID}?canary-query=1"
            async with rig.source.open(RecordingKind.CALL, RECORDING_ID, url) as download:
                return [piece async for piece in download.chunks(10**6)]

        attempts = [
            audio,
            lambda: listed(rig.source, COMPANY_SCOPE, TimeRange(NOW_MS - 9_000, NOW_MS)),
            rig.source.directory,
        ]
        for attempt in attempts:
            try:
                await attempt()
            except SourceError as exc:
                caught.append(exc)
        told = [repr(rig.source), repr(rig.source.__dict__["_media"]), *(record.getMessage() for record in caplog.records)]
    assert caught, "this fault was meant to fail something"
    for exc in caught:
        for one in chain(exc):
            assert isinstance(one, SourceError), "a foreign exception can hold the request with its key"
            told += [str(one), repr(one), repr(one.args), *(map(str, getattr(one, "__notes__", ())))]
        told.append("".join(traceback.format_exception_only(exc)))
    for text in told:
        for canary in CANARIES:
            assert canary not in text
