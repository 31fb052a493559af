"""Async access to the database: runs plain synchronous functions on one thread beside the event loop.

One thread means one connection and no pool to size; since each call handles a batch, the thread is not a bottleneck.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE_S = 120.0
"""A call waits this long for an unavailable database before it raises (OperationalError, InterfaceError)."""


class Database:
    """Runs functions that use Django's connection. Each must be one transaction and idempotent: if the connection is lost during the
    function, even between COMMIT and its answer, the function is run again until it succeeds or `PATIENCE_S` is over."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database")
        self._sleep = sleep

    async def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        waited, delay = 0.0, 0.2
        while True:
            try:
                return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: function(*args, **kwargs))
            except (OperationalError, InterfaceError) as error:
                if waited >= PATIENCE_S:
                    raise
                log.warning("database_away", extra={"function": function.__qualname__, "error": type(error).__name__, "waited_s": waited})
                await asyncio.get_running_loop().run_in_executor(self._thread, _disconnect)
                await self._sleep(delay)
                waited, delay = waited + delay, min(delay * 2, 5.0)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, _disconnect)
        self._thread.shutdown()


def _disconnect() -> None:
    # `connection` is local to the calling thread, so it must be used there.
    connection.close()
