"""Store in a folder of this machine or of a mounted network disk. Durable, create-only, limited to its root; `folder` does the work."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

from rokuon.domain.bucket_listing import PAGE, FormerObject, ListedPage
from rokuon.domain.failures import StoreUnavailable
from rokuon.domain.ports import Body, Capabilities, StoredObject

from . import links
from .abilities import Abilities
from .folder import Folder
from .part import New

_T = TypeVar("_T")
_PAGE = 500
WRITERS = 3
"""Threads that write: enough to keep a slow disk busy, few enough that they do not compete for the interpreter."""
HANGS_AFTER_S = 120.0
"""A disk that does not answer for this long counts as hanging: a network disk whose server is down blocks every call for ever."""
SLOWEST = 1024 * 1024
"""Bytes a second. The time limit of a body grows by one second for each of these."""
AT_ONCE, LONG = 8, 2 * 1024 * 1024
"""Objects that a thread takes at a time; an object of more bytes than `LONG` is written alone, so that no other waits for it."""


class LocalStore:
    """A store in the folder `root`: an absolute path without links (ensured by `registry`) that exists (checked at each use)."""

    capabilities = Capabilities(keeps_metadata=False, checks_writes=True, stores_checksum=False, signs_urls=False, bucket_roles=False)

    def __init__(self, root: Path, *, threads: int = 8, hangs_after_s: float = HANGS_AFTER_S) -> None:
        self.url = root.as_uri()
        self._folder = Folder(root)
        self._hangs_after_s = hangs_after_s
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="rokuon-local")
        self._waiting: deque[tuple[New, asyncio.Future[StoredObject]]] = deque()
        self._writing = 0

    async def put(self, key: str, body: Body, *, content_type: str, metadata: Mapping[str, str]) -> StoredObject:
        """Create an object. `content_type` and `metadata` are not stored: see `capabilities`."""
        new = New(key, body, threading.Event())
        limit_s = self._hangs_after_s + body.size / SLOWEST
        try:
            if body.size > LONG:
                return await self._alone(new, limit_s)
            return await self._in_time(self._beside_others(new), limit_s)
        except BaseException:
            # Also when the disk hangs: an object that a thread still writes must not get its name when no caller waits for it any more.
            new.abandoned.set()
            raise

    async def _alone(self, new: New, limit_s: float) -> StoredObject:
        (answer,) = await self._run(self._folder.create, [new], limit_s=limit_s)
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
        """Write the waiting objects on a thread, several at a time, because each switch to another thread costs as much as a few system
        calls."""
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
        # The checksum is that of the whole file, so the time limit depends on the size.
        size = await self._run(self._folder.size, key)
        if size is None:
            return None
        return await self._run(self._folder.stat, key, limit_s=self._hangs_after_s + size / SLOWEST)

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        return self._steps(self._folder.read(key, start, end), 1)

    def list(self, prefix: str, after: str = "") -> AsyncIterator[StoredObject]:
        return self._steps(self._folder.walk(prefix, after), _PAGE)

    async def page(self, prefix: str, after: str = "", limit: int = PAGE) -> ListedPage:
        return await self._run(self._folder.page, prefix, after, limit)

    async def noncurrent(self, key: str) -> Sequence[FormerObject] | None:
        """None: a disk keeps no versions that Rokuon could ask for."""
        return None

    async def soft_deleted(self, key: str) -> Sequence[FormerObject] | None:
        """None: whether a disk's snapshots still have the file is not known."""
        return None

    async def signed_url(self, key: str, seconds: int, *, content_type: str, disposition: str) -> str:
        raise links.none_here()

    async def abilities(self, top: str) -> Abilities:
        """Detect what the folder's disk can do, by trying it below the folder `top`. Raises the failure that says what it lacks."""
        return await self._run(self._folder.abilities, top)

    async def close(self) -> None:
        """Wait for the writes in progress, but not for a disk that hangs: its threads, and the folder that they use, stay open."""
        ended = threading.Thread(target=self._threads.shutdown, daemon=True, name="rokuon-local-close")
        ended.start()
        await asyncio.to_thread(ended.join, self._hangs_after_s)
        if ended.is_alive():
            self._threads.shutdown(wait=False, cancel_futures=True)
        else:
            self._folder.close()

    async def _run(self, work: Callable[..., _T], *arguments: object, limit_s: float | None = None) -> _T:
        running = asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        return await self._in_time(running, self._hangs_after_s if limit_s is None else limit_s)

    async def _in_time(self, running: asyncio.Future[_T], limit_s: float) -> _T:
        """Await a result. Raises StoreUnavailable if the disk does not answer in time; the blocked thread resumes when the disk answers."""
        try:
            return await asyncio.wait_for(running, limit_s)
        except TimeoutError:
            raise StoreUnavailable(f"no answer from the disk within {limit_s:.0f} s") from None

    async def _steps(self, steps: Generator[_T], at_once: int) -> AsyncIterator[_T]:
        try:
            while page := await self._run(lambda: [*islice(steps, at_once)]):
                for item in page:
                    yield item
        finally:
            # If this is cancelled while a thread runs the generator, what it opened is closed when that thread releases it.
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
