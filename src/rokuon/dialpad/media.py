"""Fetching audio: the first address by a route, redirects by hand, and a body that is bounded in size and time."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

import aiohttp

from rokuon.domain.failures import (
    RecordingEmpty,
    RecordingEncoded,
    RecordingForbidden,
    RecordingGone,
    RecordingNotAudio,
    RecordingNotReady,
    RecordingTooLarge,
    RecordingTooSlow,
    RecordingTruncated,
    SourceAnswerMalformed,
    SourceError,
    SourceKindDenied,
    SourceNotFound,
    SourceRedirectBlocked,
    SourceScopeMissing,
)
from rokuon.domain.ports import SendSlots
from rokuon.domain.recording import Kind

from .client import status_failure
from .faults import Retrier, answered, received, within
from .limits import KIB, MIB, Limits
from .urls import AllowedHosts, Hop, first_hop, next_hop

# Past this a body is read piece by piece, so that a slow one is noticed long before its end.
_WHOLE = 16 * MIB
_PAGE_HEAD = 64 * KIB
_REDIRECTS = {301, 302, 303, 307, 308}
_TEXT_TYPES = re.compile(r"text/|application/(json|xml|xhtml\+xml|javascript|problem\+json)|.+\+(json|xml)$")
_PASSWORD_FIELD = re.compile(rb"<input[^>]{0,500}\btype\s*=\s*[\"']?password\b", re.IGNORECASE)
_LOGIN_FORM = re.compile(rb"<form[^>]{0,500}\baction\s*=\s*[\"']?[^\"'>]{0,300}/(login|signin)\b", re.IGNORECASE)


class MediaCharge(StrEnum):
    """What of an audio download takes a send slot. Whether Dialpad counts media is not known (docs/design/dialpad.md 8.6)."""

    NONE = "none"
    ONE = "one"
    EACH = "each"


@dataclass(frozen=True, slots=True)
class Route:
    """How recordings of one kind are reached: by the listed address, or by `path` with "{id}" where none was listed.

    `by_id` takes `path` always. At most `hops` redirects are followed.
    """

    path: str
    by_id: bool = False
    hops: int = 4

    def first(self, base: str, recording_id: str, url: str) -> str:
        return base + self.path.replace("{id}", recording_id) if self.by_id or not url else url


DEFAULT_ROUTES = {
    Kind.CALL: Route("/r/{id}"),
    Kind.ADMIN: Route("/blob/adminrecording/{id}.mp3"),
    Kind.VOICEMAIL: Route("/r/{id}"),
}


class HttpDownload:
    """An open audio answer; see `domain.ports.Download`. `read` or `chunks` once."""

    __slots__ = ("_host", "_limits", "_response", "content_type", "length")

    def __init__(self, response: aiohttp.ClientResponse, host: str, limits: Limits) -> None:
        self._response = response
        self._host = host
        self._limits = limits
        self.length = response.content_length
        self.content_type = response.content_type if "Content-Type" in response.headers else ""

    async def read(self, limit: int) -> bytes:
        length = self.length
        if length is None or length > _WHOLE:
            return b"".join([piece async for piece in self.chunks(limit)])
        if length > limit:
            raise RecordingTooLarge(f"{length} bytes")
        body = await received(within(self._limits.download_time(length), self._response.content.read()), self._host)
        if len(body) != length:
            raise RecordingTruncated(f"{len(body)} of {length} bytes from {self._host}")
        return body

    async def chunks(self, limit: int) -> AsyncIterator[bytes]:
        length, limits, content = self.length, self._limits, self._response.content
        if length is not None and length > limit:
            raise RecordingTooLarge(f"{length} bytes")
        clock = asyncio.get_running_loop().time
        started = since = clock()
        done = counted = 0
        while piece := await received(content.read(MIB), self._host):
            done += len(piece)
            if done > limit:
                raise RecordingTooLarge(f"more than {limit} bytes")
            now = clock()
            if now - since >= limits.slow_window:
                if done - counted < limits.slowest * (now - since):
                    raise RecordingTooSlow(f"{done - counted} bytes in {now - since:.0f} s from {self._host}")
                since, counted = now, done
            if now - started > limits.total:
                raise RecordingTooSlow(f"{done} bytes in {now - started:.0f} s from {self._host}")
            yield piece
        if length is not None and done != length:
            raise RecordingTruncated(f"{done} of {length} bytes from {self._host}")


class MediaClient:
    """Opens recordings. `session` gives the open session; the key goes to the base host's header and nowhere else."""

    def __init__(
        self,
        allowed: AllowedHosts,
        key: str,
        *,
        session: Callable[[], aiohttp.ClientSession],
        slots: SendSlots,
        retrier: Retrier,
        limits: Limits,
        charge: MediaCharge,
        now_ms: Callable[[], int],
    ) -> None:
        self._allowed = allowed
        self._key = key
        self._keyed_headers = {"Authorization": f"Bearer {key}", "Accept": "audio/*"}
        self._plain_headers = {"Accept": "audio/*"}
        self._session = session
        self._slots = slots
        self._retrier = retrier
        self._limits = limits
        self._charge = charge
        self._now_ms = now_ms

    @asynccontextmanager
    async def open(self, route: Route, recording_id: str, url: str) -> AsyncIterator[HttpDownload]:
        first = first_hop(route.first(self._allowed.base, recording_id, url), recording_id, self._allowed)
        response, host = await self._retrier.run(lambda: self._walk(first, route.hops))
        try:
            yield HttpDownload(response, host, self._limits)
        finally:
            # Gives the connection back where the body was read to its end, and closes it otherwise.
            response.release()

    async def _walk(self, hop: Hop, hops: int) -> tuple[aiohttp.ClientResponse, str]:
        """Follows redirects to the answer that holds the audio."""
        seen = {hop.url}
        for passed in range(hops + 1):
            if self._charge is MediaCharge.EACH or (self._charge is MediaCharge.ONE and not passed):
                await self._slots.take()
            response = await answered(
                within(
                    self._limits.answer,
                    self._session().get(hop.url, headers=self._keyed_headers if hop.keyed else self._plain_headers, allow_redirects=False),
                ),
                hop.host,
            )
            keep = False
            try:
                if response.status not in _REDIRECTS:
                    await self._judge(response, hop.host)
                    keep = True
                    return response, hop.host
                if "Location" not in response.headers:
                    raise SourceAnswerMalformed(f"{response.status} without a Location from {hop.host}")
                following = next_hop(hop, response.headers["Location"], self._key, self._allowed)
                if following.url in seen:
                    raise SourceRedirectBlocked(f"{hop.host} redirects in a circle")
                await self._finish(response)
            finally:
                if not keep:
                    response.release()
            seen.add(following.url)
            # A host that was once left does not get the key back: whoever redirects here may have written the address.
            hop = following if hop.keyed else Hop(following.url, following.host, False)
        raise SourceRedirectBlocked(f"{hop.host} redirects more than {hops} times")

    async def _finish(self, response: aiohttp.ClientResponse) -> None:
        """Reads a redirect's short body, so that its connection serves the next hop."""
        length = response.content_length
        if length is not None and length <= _PAGE_HEAD:
            await answered(within(self._limits.answer, response.content.read()), response.url.host or "")

    async def _judge(self, response: aiohttp.ClientResponse, host: str) -> None:
        """Returns where the answer may be audio."""
        status = response.status
        failure: SourceError | None
        if status != 200:
            if status == 202:
                raise RecordingNotReady(f"202 from {host}")
            if status == 204:
                raise RecordingEmpty(f"204 from {host}")
            if status == 410:
                raise RecordingGone(f"410 from {host}")
            failure = status_failure(response, host, self._now_ms)
            if isinstance(failure, SourceNotFound):
                failure = RecordingNotReady(failure.detail)
            elif isinstance(failure, SourceScopeMissing):
                failure = RecordingForbidden(failure.detail)
            raise failure or SourceAnswerMalformed(f"{status} from {host}")
        headers = response.headers
        if headers.get("Content-Encoding", "identity").lower() not in ("", "identity") or headers.get(
            "Transfer-Encoding", "chunked"
        ).lower() not in ("", "chunked"):
            raise RecordingEncoded(host)
        if _TEXT_TYPES.match(response.content_type) and "Content-Type" in headers:
            if response.content_type == "text/html" and await self._is_login_page(response, host):
                raise SourceKindDenied(f"{host} asks for a login")
            raise RecordingNotAudio(f"text from {host}")
        length = response.content_length
        if length is not None and length > self._limits.recording:
            raise RecordingTooLarge(f"{length} bytes")

    async def _is_login_page(self, response: aiohttp.ClientResponse, host: str) -> bool:
        """Whether the page asks for a password. Any other page speaks about one recording and must not stop its whole kind."""

        async def head() -> bytes:
            page = b""
            while len(page) < _PAGE_HEAD and (piece := await response.content.read(_PAGE_HEAD)):
                page += piece
            return page

        page = await answered(within(self._limits.answer, head()), host)
        return _PASSWORD_FIELD.search(page) is not None or _LOGIN_FORM.search(page) is not None
