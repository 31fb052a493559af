"""Run a pass of an inventory: list the bucket page by page, compare it with the ledger, then look at every suspect again.

    listed      a page was compared; nothing is entered yet
    entered     its sums, suspects and new key are entered together
    looked      suspects were looked at again; nothing is done yet
    settled     what follows is entered

Each word is also a crash point. A killed pass resumes at its key, or at its next suspect.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from rokuon.domain import inventory
from rokuon.domain.bucket_listing import PAGE, ListedObject, ListedPage
from rokuon.domain.crashpoints import reached
from rokuon.domain.failures import InventoryStopped, StoreUnavailable
from rokuon.domain.ports import Store
from rokuon.ledger import inventory_findings, inventory_passes
from rokuon.ledger.inventory_models import InventoryPass
from rokuon.ledger.inventory_passes import ComparedPage

from .look_again import look_again

log = logging.getLogger(__name__)

AT_ONCE, LOOKED = 8, 48
"""Suspects that are looked at at the same time, and those that are entered together."""


class RunsQueries(Protocol):
    async def __call__(self, function: Callable[..., Any], /, *args: Any) -> Any: ...


class PassEnd(StrEnum):
    DONE = "done"
    MORE = "more"


@dataclass(frozen=True, slots=True)
class PassContext:
    """Dependencies of a pass. `recognise` returns the bucket's store after it has recognised the bucket again, and raises what says that it
    is another one. `must_exist` are keys without which the bucket counts as emptied. `told` is called after each page.
    """

    db: RunsQueries
    recognise: Callable[[], Awaitable[Store]]
    clock: Callable[[], datetime]
    must_exist: Sequence[str] = ()
    deletes_after: timedelta | None = None
    time_up: Callable[[], bool] = lambda: False
    told: Callable[[InventoryPass], None] = lambda one: None


async def run_pass(one: InventoryPass, context: PassContext) -> PassEnd:
    """Continue a pass until everything is compared and looked at, until another process has ended it, or until its time is up.

    Raises InventoryStopped if the bucket is in doubt, and what the store raises. The pass then stays as it is.
    """
    store = await _recognised(context)
    if one.state == InventoryPass.State.LISTING and not await _Lister(one, context, store).run():
        return PassEnd.MORE
    _require_whole(one)
    # Before any conclusion: a bucket that went away during the list is no bucket without recordings.
    store = await _recognised(context)
    while suspects := await context.db(inventory_findings.suspects, one.pk, LOOKED):
        verdicts = []
        for at in range(0, len(suspects), AT_ONCE):
            now = context.clock()
            looks = (look_again(store, suspect, now, context.deletes_after) for suspect in suspects[at : at + AT_ONCE])
            verdicts += await asyncio.gather(*looks)
        reached("inventory_looked")
        await context.db(inventory_findings.settle, one.pk, verdicts, context.clock())
        reached("inventory_settled")
        if not await context.db(_read_again, one):
            return PassEnd.DONE
        _require_whole(one)
        if context.time_up():
            return PassEnd.MORE
    return PassEnd.DONE


def _read_again(one: InventoryPass) -> bool:
    """Whether the pass is still being looked at: a person may have begun it again, or another process ended it."""
    found = InventoryPass.objects.filter(pk=one.pk, state=InventoryPass.State.LOOKING).values_list("sights", flat=True).first()
    one.sights = one.sights if found is None else found
    return found is not None


async def _recognised(context: PassContext) -> Store:
    store = await context.recognise()
    for key in context.must_exist:
        if await store.stat(key) is None:
            raise InventoryStopped(f"{key.removeprefix(inventory.PREFIX)} is gone")
    return store


@dataclass
class _Lister:
    one: InventoryPass
    context: PassContext
    store: Store
    listed: Sequence[ListedObject] = ()
    last: bool = False
    listed_at: datetime = field(init=False)

    async def run(self) -> bool:
        """Compare up to the end of bucket and ledger. Return False if the time was up before, or another process continues the pass."""
        one, db = self.one, self.context.db
        following: asyncio.Task[ListedPage] | None = None
        sums = inventory_passes.sums_of(one)
        try:
            while True:
                if not self.listed and not self.last:
                    page = await (following or self._asked(one.after_key))
                    following = None
                    if not inventory.in_order(page.objects, one.after_key):
                        raise StoreUnavailable("the list is not in byte order")
                    self.listed, self.last, self.listed_at = page.objects, page.last, self.context.clock()
                    if not page.last:
                        following = self._asked(page.objects[-1].key)
                compared = await self._compare()
                for seen in compared.seen:
                    sums.add(seen, one.started_at, self.context.deletes_after)
                reached("inventory_listed")
                if not await db(inventory_passes.enter_page, one.pk, compared, sums, self.context.clock()):
                    return False
                reached("inventory_entered")
                await db(one.refresh_from_db)
                self.context.told(one)
                _require_whole(one)
                if compared.last:
                    return True
                if self.context.time_up():
                    return False
        finally:
            if following is not None:
                following.cancel()

    def _asked(self, after: str) -> "asyncio.Task[ListedPage]":
        return asyncio.create_task(self.store.page(inventory.PREFIX, after, PAGE))

    async def _compare(self) -> ComparedPage:
        """Compare the listed objects with the rows beside them. Both are limited: objects behind the last row that was read wait."""
        one = self.one
        rows = await self.context.db(inventory_passes.expected, one.bucket_id, one.after_key, None if self.last else self.listed[-1].key)
        if len(rows) == inventory_passes.ROWS:
            edge, last = rows[-1].key, False
        elif not self.last:
            edge, last = self.listed[-1].key, False
        else:
            keys = [one.after_key, *(found.key for found in self.listed[-1:]), *(row.key for row in rows[-1:])]
            edge, last = max(keys, key=str.encode), True
        objects = [found for found in self.listed if found.key.encode() <= edge.encode()]
        self.listed = self.listed[len(objects) :]
        seen = list(inventory.compare(objects, rows, one.started_at, self.context.clock()))
        return ComparedPage(one.after_key, edge, last, seen, self.listed_at)


def _require_whole(one: InventoryPass) -> None:
    """Raise InventoryStopped if so much is missing or changed that nothing may be concluded of a single recording."""
    suspects = inventory_passes.sums_of(one).suspects
    if not one.accepts_missing and inventory.trips(suspects, one.verified):
        raise InventoryStopped(f"{suspects} of {one.verified} missing or changed")
