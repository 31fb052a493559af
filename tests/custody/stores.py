"""Stores that misbehave while an issue is written."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from django.db import connection

from rokuon.custody.models import Intent
from rokuon.domain.failures import StoreError, StoreUnavailable
from rokuon.domain.ports import Body
from tests.custody.sealing import Custody, forget_last_issue


class Killed(BaseException):
    """Stands for the end of the process."""


class DyingStore:
    """A store whose worker dies at a chosen write: before it, or after it was stored."""

    def __init__(self, store: Any, dies_at: str, *, after: bool) -> None:
        self._store, self._dies_at, self._after = store, dies_at, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def put(self, key: str, body: Body, **facts: Any) -> Any:
        if self._dies_at not in key:
            return await self._store.put(key, body, **facts)
        if self._after:
            await self._store.put(key, body, **facts)
        raise Killed


class OvertakenStore:
    """Something happens just before this worker writes its seal: by itself, another worker makes the whole issue."""

    def __init__(self, custody: Custody, happens: Callable[[str], Any] | None = None) -> None:
        self._custody, self._overtaken = custody, False
        self._happens = happens or (lambda _: custody.issue())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._custody.store, name)

    async def put(self, key: str, body: Body, **facts: Any) -> Any:
        if key.endswith("/seal") and not self._overtaken:
            self._overtaken = True
            await asyncio.to_thread(self._happens, key)
        return await self._custody.store.put(key, body, **facts)


def sealed_by_a_copy(custody: Custody) -> None:
    """A copy of the machine, with a database of its own, makes the issue: this database has the intents as before, and not the issue."""
    intents = list(Intent.objects.all())
    custody.issue()
    forget_last_issue()
    Intent.objects.bulk_create(intents)
    connection.close()  # of this thread


class BusyStore:
    """Another worker makes an issue after this one has read the ledger and before it lists the bucket."""

    def __init__(self, custody: Custody, issues: int = 1) -> None:
        self._custody, self._issues = custody, issues

    def __getattr__(self, name: str) -> Any:
        return getattr(self._custody.store, name)

    async def list(self, prefix: str, **how: Any) -> AsyncIterator[Any]:
        if self._issues:
            self._issues -= 1
            await asyncio.to_thread(self._custody.issue)
        async for one in self._custody.store.list(prefix, **how):
            yield one


class FailingStore:
    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def put(self, key: str, body: Body, **facts: Any) -> Any:
        raise StoreUnavailable


class UnreadableStore:
    """A store that lists nothing below one folder."""

    def __init__(self, store: Any, below: str, error: type[StoreError]) -> None:
        self._store, self._below, self._error = store, below, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def list(self, prefix: str, **how: Any) -> AsyncIterator[Any]:
        if self._below in prefix:
            raise self._error
        async for one in self._store.list(prefix, **how):
            yield one
