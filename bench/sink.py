"""A bucket with Google's JSON API, as destination for both sides: keeps bodies in memory, computes CRC32C, refuses a taken name.

It is minimal on purpose, so that it is not the bottleneck; `ceiling` measures its capacity. python -m bench.sink PORT
"""

import asyncio
import base64
import hashlib
import json
import re
import socket
import sys
import threading
import time
import urllib.request
from bisect import bisect_left, insort
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c

from .processes import start

_BUCKET = re.compile(r"(?P<api>/upload|/download)?/storage/v1/b/(?P<bucket>[^/]+)(?:/o(?:/(?P<name>.+))?)?")
_PAGE = 1000
_CLIENTS = 8


@dataclass(frozen=True)
class Sink:
    """A running sink. `url` is its address."""

    url: str
    port: int

    def clear(self) -> None:
        """Delete every object, so that memory does not grow from run to run."""
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/clear", method="DELETE"), timeout=30).close()

    def ceiling(self, size: int, count: int) -> float:
        """Return how many objects of `size` bytes per second it accepts from clients that only send bytes prepared in advance."""
        numbers = iter(range(count))
        body = bytes(size)
        threads = [threading.Thread(target=_send, args=(self.port, body, numbers)) for _ in range(_CLIENTS)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - began
        self.clear()
        return count / seconds


def start_process(stack: ExitStack, folder: Path, port: int) -> Sink:
    start(stack, [sys.executable, "-m", "bench.sink", str(port)], folder / "sink.log", port=port)
    return Sink(f"http://127.0.0.1:{port}", port)


def _send(port: int, body: bytes, numbers: "Any") -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for number in numbers:
            meta = json.dumps({"name": f"ceiling/{number}", "contentType": "audio/mpeg"}).encode()
            content = b"--x\r\n\r\n" + meta + b"\r\n--x\r\n\r\n" + body + b"\r\n--x--"
            head = "POST /upload/storage/v1/b/c/o?uploadType=multipart HTTP/1.1\r\nContent-Type: multipart/related; boundary=x\r\n"
            connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content)
            answer = b""
            while b"\r\n\r\n" not in answer or len(answer.partition(b"\r\n\r\n")[2]) < _length(answer):
                answer += connection.recv(65536)


def _length(head: bytes) -> int:
    found = re.search(rb"(?i)content-length: *(\d+)", head)
    return int(found[1]) if found else 0


class Objects:
    """The stored objects, by bucket and name."""

    def __init__(self) -> None:
        self._bodies: dict[tuple[str, str], tuple[dict[str, Any], bytes]] = {}
        self._names: dict[str, list[str]] = {}
        self._generation = time.time_ns() // 1000

    def answer(self, method: str, target: str, headers: bytes, body: bytes) -> tuple[int, bytes]:
        parts = urlsplit(target)
        if method == "DELETE" and parts.path == "/clear":
            self._bodies.clear()
            self._names.clear()
            return 200, b"{}"
        match = _BUCKET.fullmatch(parts.path)
        if match is None:
            return 404, b"{}"
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        bucket = match["bucket"]
        if method == "POST" and match["api"] == "/upload":
            return self._create(bucket, headers, body, query)
        if method != "GET":
            return 405, b"{}"
        if match["name"] is None:
            listing = parts.path.endswith("/o")
            return 200, json.dumps(self._list(bucket, query) if listing else {"name": bucket}).encode()
        found = self._bodies.get((bucket, unquote(match["name"])))
        if found is None:
            return 404, b'{"error": {"errors": [{"reason": "notFound"}]}}'
        return 200, found[1] if query.get("alt") == "media" or match["api"] else json.dumps(found[0]).encode()

    def _create(self, bucket: str, headers: bytes, content: bytes, query: dict[str, str]) -> tuple[int, bytes]:
        found = re.search(rb'(?i)boundary="?([^"\r\n;]+)', headers)
        if found is None:
            return 400, b"{}"
        border = b"--" + found[1]
        meta_at = content.index(b"\r\n\r\n") + 4
        second = content.index(border, meta_at)
        body_at = content.index(b"\r\n\r\n", second) + 4
        body = content[body_at : content.rindex(b"\r\n" + border)]
        told = json.loads(content[meta_at:second])
        crc = base64.b64encode(google_crc32c.value(body).to_bytes(4, "big")).decode()
        if told.get("crc32c", crc) != crc:
            return 400, b'{"error": {"errors": [{"reason": "invalid"}]}}'
        name = told.get("name") or query["name"]
        if (bucket, name) in self._bodies and query.get("ifGenerationMatch") == "0":
            return 412, b'{"error": {"errors": [{"reason": "conditionNotMet"}]}}'
        self._generation += 1
        resource = {
            "kind": "storage#object",
            "bucket": bucket,
            "name": name,
            "size": str(len(body)),
            "crc32c": crc,
            "generation": str(self._generation),
            "contentType": told.get("contentType", "application/octet-stream"),
            "metadata": told.get("metadata", {}),
            "updated": "2026-01-01T00:00:00.000Z",
            "timeCreated": "2026-01-01T00:00:00.000Z",
            "mediaLink": f"{self.base}/download/storage/v1/b/{bucket}/o/{name.replace('/', '%2F').replace(' ', '%20')}?alt=media",
        }
        if "ifGenerationMatch" not in query:
            # rclone compares this after a copy, and Google always computes it.
            resource["md5Hash"] = base64.b64encode(hashlib.md5(body).digest()).decode()
        if (bucket, name) not in self._bodies:
            insort(self._names.setdefault(bucket, []), name)
        self._bodies[bucket, name] = resource, body
        return 200, json.dumps(resource).encode()

    base = ""

    def _list(self, bucket: str, query: dict[str, str]) -> dict[str, Any]:
        names, prefix = self._names.get(bucket, []), query.get("prefix", "")
        at = bisect_left(names, max(prefix, query.get("startOffset", ""), query.get("pageToken", "")))
        items, folders, delimiter = [], [], query.get("delimiter", "")
        most = int(query.get("maxResults", _PAGE))
        while at < len(names) and names[at].startswith(prefix) and len(items) < most:
            rest = names[at][len(prefix) :]
            if delimiter and delimiter in rest:
                folders.append(prefix + rest.partition(delimiter)[0] + delimiter)
                at = bisect_left(names, folders[-1] + "\U0010ffff")
                continue
            items.append(self._bodies[bucket, names[at]][0])
            at += 1
        more = at < len(names) and names[at].startswith(prefix)
        return {"items": items, "prefixes": folders, **({"nextPageToken": names[at]} if more else {})}


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with one request at a time, of known length or chunked; the benchmarks need no more."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._buffer = bytearray()
        self._needed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= self._needed and (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[: end + 4])
            if b"chunked" in head:
                body, taken = _unchunked(self._buffer, end + 4)
                if not taken:
                    return
            else:
                self._needed = taken = end + 4 + _length(head)
                if len(self._buffer) < taken:
                    return
                body = bytes(memoryview(self._buffer)[end + 4 : taken])
            del self._buffer[:taken]
            self._needed = 0
            method, target, _ = head.split(b" ", 2)
            status, answer = self._objects.answer(method.decode(), target.decode(), head, body)
            kind = b"application/json" if answer[:1] == b"{" else b"application/octet-stream"
            self._transport.write(b"HTTP/1.1 %d x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (status, kind, len(answer)) + answer)


def _unchunked(data: bytearray, at: int) -> tuple[bytes, int]:
    """Return the body and its end position; zero if it has not ended yet."""
    if not data.endswith(b"0\r\n\r\n"):
        return b"", 0
    pieces = []
    while (line := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line].partition(b";")[0], 16)
        if line + 2 + size + 2 > len(data):
            break
        pieces.append(bytes(data[line + 2 : line + 2 + size]))
        at = line + 2 + size + 2
        if size == 0:
            return b"".join(pieces), at
    return b"", 0


async def _serve(port: int) -> None:
    objects = Objects()
    objects.base = f"http://127.0.0.1:{port}"
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(objects), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
