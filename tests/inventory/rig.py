"""A company whose recordings are in a bucket in memory that people tamper with, and passes of an inventory through it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from rokuon.domain.bucket_listing import PAGE, FormerObject, ListedPage
from rokuon.domain.failures import RokuonError, StoreRequestRefused
from rokuon.domain.ports import Body, Store
from rokuon.domain.work import Work
from rokuon.inventory.run_pass import PassContext, PassEnd, run_pass
from rokuon.ledger import inventory_passes
from rokuon.ledger.gateway import Database
from rokuon.ledger.inventory_models import InventoryFinding, InventoryPass
from rokuon.ledger.models import Copy
from rokuon.stores.checksums import crc32c
from rokuon.stores.memory import MemoryStore
from tests.custody.sealing import Custody

DAY = date(2026, 3, 4)


class TamperedStore(MemoryStore):
    """A bucket in which people delete and overwrite. `small` is its page; `calls` are what was asked; `troubles` meet the next pages,
    `looked` the answer to whether one is soft-deleted. `bare` lists have no checksums, nor have the facts of one object
    when the store is `blind`; `refused` are not read."""

    def __init__(self) -> None:
        super().__init__("acme")
        self.small, self.calls = PAGE, list[str]()
        self.troubles: list[RokuonError | Callable[[], None] | None] = []
        self.soft: dict[str, FormerObject] | None = {}
        self.old: dict[str, FormerObject] | None = {}
        self.others = list[FormerObject]()
        self.looked: Callable[[], None] = lambda: None
        self.bare, self.blind, self.refused = False, False, set[str]()

    async def page(self, prefix: str, after: str = "", limit: int = PAGE) -> ListedPage:
        self.calls.append(f"page {after}")
        trouble = self.troubles.pop(0) if self.troubles else None
        if isinstance(trouble, RokuonError):
            raise trouble
        page = await super().page(prefix, after, self.small)
        if trouble is not None:
            await asyncio.to_thread(trouble)
        return ListedPage([replace(one, crc32c=None, md5="") for one in page.objects], page.last) if self.bare else page

    async def read(self, key: str, *place: Any, **part: Any) -> AsyncIterator[bytes]:
        if key in self.refused:
            raise StoreRequestRefused("400")
        async for piece in super().read(key, *place, **part):
            yield piece

    async def stat(self, key: str) -> Any:
        self.calls.append(f"stat {key}")
        found = await super().stat(key)
        return replace(found, crc32c=None, md5="") if found is not None and self.blind else found

    async def noncurrent(self, key: str) -> Sequence[FormerObject] | None:
        return None if self.old is None else [self.old[key]] if key in self.old else []

    async def soft_deleted(self, key: str) -> Sequence[FormerObject] | None:
        await asyncio.to_thread(self.looked)
        return None if self.soft is None else [*self.others, *([self.soft[key]] if key in self.soft else [])]

    def remove(self, key: str) -> None:
        del self._objects[key]

    def overwrite(self, key: str, data: bytes) -> None:
        self._objects.pop(key, None)
        self.add(key, data)

    def add(self, key: str, data: bytes = b"x") -> None:
        body = Body(len(data), hashlib.sha256(data).hexdigest(), crc32c(data), data)
        asyncio.run(self.put(key, body, content_type="audio/mpeg", metadata={}))


class Checked(Custody):
    """`recordings(n)` are verified and in the bucket; `check()` runs a pass to its end, `run()` a part of one."""

    store: TamperedStore

    def __init__(self) -> None:
        super().__init__("Acme", TamperedStore())
        self.must_exist: list[str] = []
        self.deletes_after: timedelta | None = None
        self.store.add("call-recordings/", b"")
        self.recognised = 0

    def recordings(self, number: int) -> list[Work]:
        return [self.recording(at, DAY) for at in range(number)]

    def begin(self, *, accepts_missing: bool = False) -> InventoryPass:
        self.now += timedelta(hours=1)
        return inventory_passes.begin(self.company.pk, self.bucket.pk, "", self.now, accepts_missing=accepts_missing)

    def check(self, **how: Any) -> InventoryPass:
        one = self.begin(**how)
        assert self.run(one) is PassEnd.DONE
        finished = inventory_passes.finish(one.pk, self.now)
        assert finished is not None
        return finished

    def run(self, one: InventoryPass, *, pages: int | None = None, recognise: Callable[[], None] = lambda: None) -> PassEnd:
        """Run a pass; with `pages`, at most so many before its time is up."""
        told = list[int]()

        async def work() -> PassEnd:
            db = Database()

            async def found() -> Store:
                self.recognised += 1
                await asyncio.to_thread(recognise)
                return self.store

            async def call(function: Callable[..., Any], /, *arguments: Any) -> Any:
                return await db(function, *arguments)

            context = PassContext(
                db=call,
                recognise=found,
                clock=lambda: self.now + timedelta(minutes=1),
                must_exist=self.must_exist,
                deletes_after=self.deletes_after,
                time_up=lambda: pages is not None and len(told) >= pages,
                told=lambda one: told.append(one.pages),
            )
            try:
                return await run_pass(one, context)
            finally:
                await db.close()

        one.refresh_from_db()
        return asyncio.run(work())

    def copy(self, work: Work) -> Copy:
        return Copy.objects.get(pk=work.copy_id)

    def state(self, work: Work) -> tuple[str, str]:
        copy = self.copy(work)
        return copy.state, copy.reason

    def finding(self) -> InventoryFinding:
        (found,) = InventoryFinding.objects.all()
        return found


def findings() -> list[tuple[str, str]]:
    return list(InventoryFinding.objects.order_by("kind", "key").values_list("kind", "key"))


def former(work: Work, version: str = "1", until: datetime | None = None, at: datetime | None = None) -> FormerObject:
    return FormerObject(work.key, len(f"audio {work.recording_id}"), version, deleted_at=at, restorable_until=until)
