"""The async door to the database: plain synchronous functions on one thread beside the event loop.

One thread means one connection and no pool to size; a batch per call keeps it from being the narrow place.
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
"""How long a call waits for a database that is away before it raises (OperationalError, InterfaceError)."""


class Database:
    """Runs functions that use Django's connection. Each must be one transaction, and harmless to run twice: when the database goes
    away in the middle, even between COMMIT and its answer, the function is run again until it answers or patience ends."""

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
    # `connection` names the calling thread's own, so it must be looked up there.
    connection.close()
