"""The body of an audio answer: bounded in size and in time, and read piece by piece, so that a slow one is noticed long before its end."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp

from rokuon.domain.failures import RecordingTooLarge, RecordingTooSlow, RecordingTruncated

from .faults import received
from .limits import ClientLimits


class HttpDownload:
    """An open audio answer; see `domain.ports.Download`.

    `head` is what was read of the body already, `length` what was announced for all of it.
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
                # Each stretch begins when the one before has its bytes: haste at first buys no idling later.
                wanted, until = done + step, now + limits.slow_window
            if piece:
                yield piece
            # The time that whoever reads takes for a piece is not the source's.
            taken = clock() - now
            began, until = began + taken, until + taken
            piece = await self._next(content, min(until, began + limits.total), done, began)
            if not piece:
                break
            done += len(piece)
        if length is not None and done != length:
            raise RecordingTruncated(f"{done} of {length} bytes from {self._host}")

    async def _next(self, content: aiohttp.StreamReader, until: float, done: int, began: float) -> bytes:
        """What arrived next, b"" at the end. Raises RecordingTooSlow where nothing does by `until`, in the time of the event loop."""

        async def in_time() -> bytes:
            async with asyncio.timeout_at(until):
                return await content.readany()

        try:
            return await received(in_time(), self._host)
        except RecordingTooSlow:
            seconds = asyncio.get_running_loop().time() - began
        raise RecordingTooSlow(f"{done} bytes in {seconds:.0f} s from {self._host}")
