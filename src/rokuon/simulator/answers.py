"""HTTP answers as values, and the function that writes them to a connection.

Handlers make an Answer, faults change it, send() writes it. So every fault works on every endpoint. send() writes directly to the
transport, because aiohttp refuses to send a body that contradicts its length, and this simulator has to send such bodies.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from aiohttp import web

JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=utf-8"
_PIECE = 64 * 1024
# Bytes that may wait in the transport before the sender pauses.
_BUFFER = 2**20

# As long as the one refused answer that was measured: 13,732 bytes.
LOGIN_PAGE = (
    b"<!DOCTYPE html><html><head><title>Log in - Dialpad</title></head><body><h1>Log in</h1>"
    b'<form method="post" action="/login"><input name="email"><input type="password" name="password"></form>'
)
LOGIN_PAGE += b" " * (13_732 - len(LOGIN_PAGE) - 15) + b"</body></html>\n"


@dataclass
class Answer:
    """Status, headers and body of an answer, and how it is sent.

    body is complete, or comes from pieces (then size is its length). framing "length" announces declared or the real length;
    "chunked" ends properly; "close" announces nothing and ends with the connection. cut stops after that many body bytes and
    closes the connection, after hang_at_cut seconds of silence, by a reset if reset is set. drop sends nothing at all. hang
    sleeps that many seconds before the first byte. rate is bytes per second, 0 = unlimited.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    pieces: Iterator[bytes] | None = None
    size: int = 0
    framing: Literal["length", "chunked", "close"] = "length"
    declared: int | None = None
    cut: int | None = None
    hang: float = 0.0
    hang_at_cut: float = 0.0
    rate: int = 0
    endless: bool = False
    drop: bool = False
    reset: bool = False

    @property
    def length(self) -> int:
        return self.size if self.pieces is not None else len(self.body)


def json_answer(value: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


_REASONS = {400: "badRequest", 401: "required", 403: "forbidden", 404: "notFound", 409: "conflict", 429: "rateLimitExceeded"}


def error(status: int, message: str) -> Answer:
    """Return an error with Dialpad's error body."""
    detail = {"domain": "global", "message": message, "reason": _REASONS.get(status, "backendError")}
    return json_answer({"error": {"code": status, "message": message, "errors": [detail]}}, status)


def bad_request(message: str) -> Answer:
    return error(400, message)


def not_found() -> Answer:
    return error(404, "not found")


def redirect(location: str) -> Answer:
    return Answer(302, b"", HTML, {"Location": location})


def login_page() -> Answer:
    return Answer(200, LOGIN_PAGE, HTML)


class _Sent(web.StreamResponse):
    """Tells aiohttp that everything was sent already, and whether the connection may be reused."""

    def __init__(self, reusable: bool) -> None:
        super().__init__()
        self._reusable = reusable

    @property
    def keep_alive(self) -> bool:
        return self._reusable

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None


def _head(answer: Answer, keep_alive: bool) -> bytes:
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {answer.status} {phrase}"]
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if answer.endless or answer.framing == "close":
        pass
    elif answer.framing == "chunked":
        headers["Transfer-Encoding"] = "chunked"
    else:
        headers["Content-Length"] = str(answer.length if answer.declared is None else answer.declared)
    headers["Connection"] = "keep-alive" if keep_alive else "close"
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


async def send(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    """Write answer exactly as described to the connection of request, and close the connection unless the answer was correct."""
    transport = request.transport
    if answer.hang:
        await asyncio.sleep(answer.hang)
    in_order = answer.framing != "close" and not answer.drop and answer.cut is None and not answer.endless
    keep_alive = in_order and request.keep_alive and answer.declared in (None, answer.length)
    sent = _Sent(keep_alive)
    if transport is None or transport.is_closing():
        return sent
    if answer.drop:
        transport.abort()
        return sent
    head = _head(answer, keep_alive)
    if request.method == "HEAD":
        transport.write(head)
    elif keep_alive and answer.pieces is None and not answer.rate and answer.framing == "length":
        transport.write(head + answer.body)
        await _room(transport)
    else:
        transport.write(head)
        await _write_body(transport, answer)
    if answer.reset:
        # Linger 0 makes the kernel send RST and discard unsent data.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    elif not keep_alive:
        # close() flushes first: the client sees an end (FIN) after the last byte, not a reset.
        transport.close()
    return sent


async def _write_body(transport: asyncio.Transport, answer: Answer) -> None:
    left = answer.cut
    for piece in _portions(answer):
        if left is not None:
            piece = piece[:left]
            left -= len(piece)
        if transport.is_closing():
            return
        if piece:
            transport.write(b"%x\r\n%s\r\n" % (len(piece), piece) if answer.framing == "chunked" else piece)
            await _room(transport)
        if answer.rate:
            await asyncio.sleep(len(piece) / answer.rate)
        if left == 0:
            await asyncio.sleep(answer.hang_at_cut)
            return
    if answer.framing == "chunked":
        transport.write(b"0\r\n\r\n")


def _portions(answer: Answer) -> Iterator[bytes]:
    source = answer.pieces if answer.pieces is not None else iter((answer.body,))
    # With a limited rate, a portion takes a tenth of a second.
    step = max(1, min(_PIECE, answer.rate // 10)) if answer.rate else _PIECE
    for whole in source:
        for start in range(0, len(whole), step):
            yield whole[start : start + step]
    while answer.endless:
        yield bytes(step)


async def _room(transport: asyncio.Transport) -> None:
    """Wait until the client has read enough, so that little data waits in memory."""
    # A transport notifies only its protocol, which is aiohttp's, when its buffer has room again.
    while transport.get_write_buffer_size() > _BUFFER and not transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(0.002)
