"""A bucket that is a folder on this machine (or a mounted network disk). Durable, create-only, contained; the work is in `folder`."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

from rokuon.domain.ports import Body, Capabilities, StoredObject

from .folder import Folder

_T = TypeVar("_T")
_PAGE = 500


class LocalStore:
    """`root` is an absolute path without links in it, an existing folder (`registry` sees to the first, use finds out the second)."""

    capabilities = Capabilities(keeps_metadata=False, checks_writes=True, stores_checksum=False, signs_urls=False, bucket_roles=False)

    def __init__(self, root: Path, *, threads: int = 8) -> None:
        self.url = root.as_uri()
        self._folder = Folder(root)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="rokuon-local")

    async def put(self, key: str, body: Body, *, content_type: str, metadata: Mapping[str, str]) -> StoredObject:
        """`content_type` and `metadata` are not kept: see `capabilities`."""
        abandoned = threading.Event()
        try:
            # One hop to a thread for the whole object: a hop per call would cost more than the calls.
            return await self._run(self._folder.create, key, body, abandoned)
        except asyncio.CancelledError:
            abandoned.set()
            raise

    async def stat(self, key: str) -> StoredObject | None:
        return await self._run(self._folder.stat, key)

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        return self._steps(self._folder.read(key, start, end), 1)

    def list(self, prefix: str, after: str = "") -> AsyncIterator[StoredObject]:
        return self._steps(self._folder.walk(prefix, after), _PAGE)

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
