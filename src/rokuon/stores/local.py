"""A bucket that is a folder on this machine (or a mounted network disk). Durable, create-only, contained; the work is in `folder`."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

from rokuon.domain.ports import Body, Capabilities, StoredObject

from . import links
from .folder import Folder, New

_T = TypeVar("_T")
_PAGE = 500
WRITERS = 3
"""Threads that write: enough to keep a disk busy that is waited for, few enough that they do not fight over the interpreter."""
AT_ONCE, LONG = 8, 2 * 1024 * 1024
"""Objects that a thread takes at a time; one of more bytes than `LONG` is written alone, so that no other waits for it."""


class LocalStore:
    """`root` is an absolute path without links in it, an existing folder (`registry` sees to the first, use finds out the second)."""

    capabilities = Capabilities(keeps_metadata=False, checks_writes=True, stores_checksum=False, signs_urls=False, bucket_roles=False)

    def __init__(self, root: Path, *, threads: int = 8) -> None:
        self.url = root.as_uri()
        self._folder = Folder(root)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="rokuon-local")
        self._waiting: deque[tuple[New, asyncio.Future[StoredObject]]] = deque()
        self._writing = 0

    async def put(self, key: str, body: Body, *, content_type: str, metadata: Mapping[str, str]) -> StoredObject:
        """`content_type` and `metadata` are not kept: see `capabilities`."""
        new = New(key, body, threading.Event())
        try:
            return await (self._alone(new) if body.size > LONG else self._beside_others(new))
        except asyncio.CancelledError:
            new.abandoned.set()
            raise

    async def _alone(self, new: New) -> StoredObject:
        (answer,) = await self._run(self._folder.create, [new])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _beside_others(self, new: New) -> asyncio.Future[StoredObject]:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[StoredObject] = loop.create_future()
        self._waiting.append((new, turn))
        if self._writing < WRITERS:
            self._writing += 1
            self._threads.submit(self._write, loop)
        return turn

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        """On a thread: what waits, several objects at a time, since each step to another thread costs as much as a few system calls."""
        while True:
            batch: list[tuple[New, asyncio.Future[StoredObject]]] = []
            with suppress(IndexError):
                while len(batch) < AT_ONCE:
                    batch.append(self._waiting.popleft())
            if not batch:
                break
            answers = self._folder.create([new for new, _ in batch])
            loop.call_soon_threadsafe(_answer, [turn for _, turn in batch], answers)
        loop.call_soon_threadsafe(self._ended, loop)

    def _ended(self, loop: asyncio.AbstractEventLoop) -> None:
        self._writing -= 1
        if self._waiting and self._writing < WRITERS:
            self._writing += 1
            self._threads.submit(self._write, loop)

    async def stat(self, key: str) -> StoredObject | None:
        return await self._run(self._folder.stat, key)

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        return self._steps(self._folder.read(key, start, end), 1)

    def list(self, prefix: str, after: str = "") -> AsyncIterator[StoredObject]:
        return self._steps(self._folder.walk(prefix, after), _PAGE)

    async def signed_url(self, key: str, seconds: int, *, content_type: str, disposition: str) -> str:
        raise links.none_here()

    async def close(self) -> None:
        """Waits for what is being written."""
        await asyncio.to_thread(self._threads.shutdown)
        self._folder.close()

    async def _run(self, work: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    async def _steps(self, steps: Generator[_T], at_once: int) -> AsyncIterator[_T]:
        try:
            while page := await self._run(lambda: [*islice(steps, at_once)]):
                for item in page:
                    yield item
        finally:
            # Cancelled while a thread is inside: it closes what it opened when that thread lets go of it.
            with suppress(ValueError):
                steps.close()


def _answer(turns: Sequence[asyncio.Future[StoredObject]], answers: Sequence[StoredObject | Exception]) -> None:
    for turn, answer in zip(turns, answers, strict=True):
        if turn.done():
            continue
        if isinstance(answer, Exception):
            turn.set_exception(answer)
        else:
            turn.set_result(answer)
