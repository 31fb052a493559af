"""Fetches audio: chooses the first address, follows redirects itself, and refuses a web page in place of audio."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from rokuon.domain.failures import RecordingEncoded, RecordingNotAudio, RecordingTooLarge, SourceAnswerMalformed, SourceKindDenied
from rokuon.domain.ports import SendSlots
from rokuon.domain.recording import RecordingKind
from rokuon.domain.settings import MediaCharge

from .client import encoded
from .download import HttpDownload
from .faults import Retrier, answered, within
from .limits import KIB, ClientLimits
from .media_answers import media_failure, whole_length
from .urls import AllowedHosts, Hop, first_hop, next_hop

_PAGE_HEAD = 64 * KIB
_REDIRECTS = {301, 302, 303, 307, 308}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PASSWORD_FIELD = re.compile(rb"<input[^>]{0,500}\btype\s*=\s*[\"']?password\b", re.IGNORECASE)
_LOGIN_FORM = re.compile(rb"<form[^>]{0,500}\baction\s*=\s*[\"']?[^\"'>]{0,300}/(login|signin)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MediaRoute:
    """How to reach recordings of one kind: at the listed address, or at `path` with "{id}" if none was listed.

    With `by_id`, `path` is always used. At most `hops` redirects are followed.
    """

    path: str
    by_id: bool = False
    hops: int = 4

    def first(self, base: str, recording_id: str, url: str) -> str:
        return base + self.path.replace("{id}", recording_id) if self.by_id or not url else url


DEFAULT_ROUTES = {
    RecordingKind.CALL: MediaRoute("/r/{id}"),
    RecordingKind.ADMIN: MediaRoute("/blob/adminrecording/{id}.mp3"),
    RecordingKind.VOICEMAIL: MediaRoute("/r/{id}"),
}


class MediaClient:
    """Opens recordings. `session` returns the open session; the key goes only into the header of requests to the base host."""

    def __init__(
        self,
        allowed: AllowedHosts,
        key: str,
        *,
        session: Callable[[], aiohttp.ClientSession],
        slots: SendSlots,
        retrier: Retrier,
        limits: ClientLimits,
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
    async def open(self, route: MediaRoute, recording_id: str, url: str) -> AsyncIterator[HttpDownload]:
        first = first_hop(route.first(self._allowed.base, recording_id, url), recording_id, self._allowed)
        download, response = await self._retrier.run(lambda: self._walk(first, route.hops))
        try:
            yield download
        finally:
            # Returns the connection to the pool if the body was read to its end, and closes it otherwise.
            response.release()

    async def _walk(self, hop: Hop, hops: int) -> tuple[HttpDownload, aiohttp.ClientResponse]:
        """Follow redirects to the answer that contains the audio."""
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
                    head, length = await self._judge(response, hop.host)
                    keep = True
                    return HttpDownload(response, hop.host, self._limits, head, length), response
                if "Location" not in response.headers:
                    raise SourceAnswerMalformed(f"{response.status} without a Location from {hop.host}")
                following = next_hop(hop, response.headers["Location"], self._key, self._allowed)
                if following.url in seen:
                    raise SourceAnswerMalformed(f"{hop.host} redirects in a circle")
                await self._finish(response)
            finally:
                if not keep:
                    response.release()
            seen.add(following.url)
            # After a redirect to another host, the key is not sent any more: that host may have chosen the address.
            hop = following if hop.keyed else Hop(following.url, following.host, False)
        raise SourceAnswerMalformed(f"{hop.host} redirects more than {hops} times")

    async def _finish(self, response: aiohttp.ClientResponse) -> None:
        """Read a redirect's short body, so that the next hop can reuse the connection."""
        length = response.content_length
        if length is not None and length <= _PAGE_HEAD:
            await answered(within(self._limits.answer, response.content.read()), response.url.host or "")

    async def _judge(self, response: aiohttp.ClientResponse, host: str) -> tuple[bytes, int | None]:
        """Judge an answer. If it may be audio, which the bytes decide and not the content type, return the part of the body that was read
        and the announced length. Otherwise raise the failure that the answer means."""
        failure = media_failure(response, host, self._now_ms)
        if failure is not None:
            raise failure
        if encoded(response.headers) or response.headers.get("Transfer-Encoding", "chunked").lower() not in ("", "chunked"):
            raise RecordingEncoded(host)
        length = whole_length(response, host)
        if length is not None and length > self._limits.recording:
            raise RecordingTooLarge(f"{length} bytes")
        head = b""
        if not (response.content_type.startswith("audio/") and "Content-Type" in response.headers):
            head = await answered(within(self._limits.answer, _opening(response)), host)
            if _is_text(head):
                if _PASSWORD_FIELD.search(head) or _LOGIN_FORM.search(head):
                    raise SourceKindDenied(f"{host} asks for a login")
                raise RecordingNotAudio(f"text from {host}")
        return head, length


async def _opening(response: aiohttp.ClientResponse) -> bytes:
    """Read the first bytes of the body: enough to distinguish a page from audio, and of a page enough to recognise a login page."""
    head = b""
    while len(head) < _PAGE_HEAD and (not head.strip() or _is_text(head)) and (piece := await response.content.readany()):
        head += piece
    return head


def _is_text(head: bytes) -> bool:
    """Whether the bytes are markup or JSON. No audio begins like that."""
    return head.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1] in (b"<", b"{", b"[")
