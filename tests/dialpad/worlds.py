"""Small servers over real TCP for the tests of the Dialpad side, and a source that talks to them without waiting."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from rokuon.dialpad.limits import ClientLimits
from rokuon.dialpad.pacing import UnpacedSlots
from rokuon.dialpad.source import DialpadSource
from rokuon.domain.recording import ListingPage, Scope

KEY = "dp-canary-9f8e7d6c5b4a3210"
NOW_MS = 1_785_990_000_000
RECORDING_ID = "5572000000000001"
AUDIO = bytes([0xFF, 0xE3, 0x18, 0xC4]) + bytes(range(256)) * 40

QUICK = ClientLimits(connect=2, answer=1.5, silence=0.3, slowest=1000, slow_window=0.5, total=5, tries=3, patience=30)


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class RawServer:
    """Answers each request with the bytes that `answer(request)` gives, and keeps every request that it saw."""

    answer: Callable[[Request], Answer]
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                method, target, _ = lines[0].split(" ", 2)
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
                request = Request(method, target, headers)
                self.requests.append(request)
                answer = self.answer(request)
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                    if b"\r\nConnection: close\r\n" in answer[:2000]:
                        return
                else:
                    await answer(writer)
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def raw_server(answer: Callable[[Request], Answer]) -> AsyncIterator[RawServer]:
    server = RawServer(answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        # The handlers end with their connections, which the source has closed by now.
        await asyncio.sleep(0)


def http(
    status: int = 200, body: bytes = b"", *headers: str, length: int | None = -1, kind: str = "audio/mpeg", close: bool = False
) -> bytes:
    """A whole answer. `length` -1 announces the true length, None announces none and closes."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", *headers]
    if length is not None:
        lines.append(f"Content-Length: {len(body) if length == -1 else length}")
    if close or length is None:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def json_answer(value: Any, status: int = 200, *headers: str) -> bytes:
    return http(status, json.dumps(value).encode(), *headers, kind="application/json")


def moved(location: str, status: int = 302) -> bytes:
    return http(status, b"", f"Location: {location}", kind="text/html")


class Waits:
    """A sleep that takes no time and remembers what was asked of it."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float, /) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


class Slots(UnpacedSlots):
    """Unpaced, and remembers what it was told."""

    def __init__(self) -> None:
        super().__init__(clock=lambda: 0.0)
        self.slowed: list[float] = []

    async def slow_down(self, seconds: float, asked: float | None = None) -> None:
        self.slowed.append(seconds)


@dataclass
class Rig:
    source: DialpadSource
    slots: Slots
    waits: Waits


@asynccontextmanager
async def source_for(url: str, **changes: Any) -> AsyncIterator[Rig]:
    slots, waits = Slots(), Waits()
    limits = changes.pop("limits", QUICK)
    options: dict[str, Any] = {"now_ms": lambda: NOW_MS, "sleep": waits, "random": lambda: 0.5} | changes
    source = DialpadSource(url, KEY, slots, limits=replace(limits), **options)
    try:
        yield Rig(source, slots, waits)
    finally:
        await source.close()


async def listed(source: DialpadSource, scope: Scope, wanted: Any) -> list[ListingPage]:
    return [page async for page in source.pages(scope, wanted)]
