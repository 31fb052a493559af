"""Download of an audio body, limited in size and time. It is read piece by piece, so that a slow download is detected early."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp

from rokuon.domain.failures import RecordingTooLarge, RecordingTooSlow, RecordingTruncated

from .faults import received
from .limits import ClientLimits


class HttpDownload:
    """An open audio answer; see `domain.ports.Download`.

    `head` is the part of the body that was read already, `length` the announced length of the whole body.
    """

    __slots__ = ("_head", "_host", "_limits", "_response", "content_type", "length")

    def __init__(self, response: aiohttp.ClientResponse, host: str, limits: ClientLimits, head: bytes, length: int | None) -> None:
        self._response = response
        self._host = host
        self._limits = limits
        self._head = head
        self.length = length
        self.content_type = response.content_type if "Content-Type" in response.headers else ""

    async def chunks(self, limit: int) -> AsyncIterator[bytes]:
        length, limits, content = self.length, self._limits, self._response.content
        if length is not None and length > limit:
            raise RecordingTooLarge(f"{length} bytes")
        clock = asyncio.get_running_loop().time
        step = max(1, int(limits.slowest * limits.slow_window))
        began = clock()
        done, wanted, until = len(self._head), step, began + limits.slow_window
        piece = self._head
        while True:
            if done > limit:
                raise RecordingTooLarge(f"more than {limit} bytes")
            now = clock()
            if done >= wanted:
                # Each interval begins when the one before has its bytes, so a fast start does not permit a pause later.
                wanted, until = done + step, now + limits.slow_window
            if piece:
                yield piece
            # The time that the reader needs for a piece does not count against the source.
            taken = clock() - now
            began, until = began + taken, until + taken
            piece = await self._next(content, min(until, began + limits.total), done, began)
            if not piece:
                break
            done += len(piece)
        if length is not None and done != length:
            raise RecordingTruncated(f"{done} of {length} bytes from {self._host}")

    async def _next(self, content: aiohttp.StreamReader, until: float, done: int, began: float) -> bytes:
        """Return the next bytes, b"" at the end. Raises RecordingTooSlow if none arrive by `until`, in the event loop's time."""

        async def in_time() -> bytes:
            async with asyncio.timeout_at(until):
                return await content.readany()

        try:
            return await received(in_time(), self._host)
        except RecordingTooSlow:
            seconds = asyncio.get_running_loop().time() - began
        raise RecordingTooSlow(f"{done} bytes in {seconds:.0f} s from {self._host}")
