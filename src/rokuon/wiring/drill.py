"""Read the sample of a restore drill from its bucket, and write it into a folder where a person asked for that."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from rokuon.backup.limits import MemoryBudget, TransferLimits
from rokuon.backup.read_back import VerifiedObject, read_back
from rokuon.base.i18n import _
from rokuon.domain.failures import (
    BucketForbidden,
    BucketUnusable,
    ConfigError,
    ObjectDiffers,
    ObjectExists,
    ObjectMisread,
    ObjectMissing,
    ObjectOccupied,
    RokuonError,
    SourceError,
    StoreError,
    StoreRequestRefused,
)
from rokuon.domain.ports import Body, Store
from rokuon.ledger import drills
from rokuon.ledger.drill_models import DrawnRecording, Drill
from rokuon.ledger.drills import ReadResult, ToRead
from rokuon.runtime.installation import Installation
from rokuon.stores.local import LocalStore

from .connections import Connections, connected

AT_ONCE = 8
"""Recordings that are read at the same time. They are recorded together, so a killed drill reads at most these again."""

LOOKS, LOOK_AGAIN_S = 6, 0.5
"""How often and at which interval it is tried to take the drill: the database notices only after a moment that a process was killed."""

_BAD = (ObjectMissing, ObjectDiffers, ObjectMisread, ObjectOccupied, BucketUnusable, SourceError)
"""What is wrong with one object, once the bucket was recognised on a fresh connection. Anything else says nothing about the recording."""

_REFUSED = (BucketForbidden, StoreRequestRefused)
"""What the store answers for good about one object, such as one whose key of encryption is gone, if it answers for the marker as before."""


class DrillTaken(ConfigError):
    """Another process reads this drill's sample now."""


class Restored:
    """The folder into which a sample is written, under the keys of the bucket. A file that is there already is never overwritten:
    `others` are the keys of those with other bytes, `written` counts the new files."""

    def __init__(self, folder: Path) -> None:
        """Raises ConfigError if the folder cannot be made."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.folder = folder.resolve(strict=True)
        except OSError as error:
            raise self._unusable(folder, error.strerror or type(error).__name__) from None
        self._store = LocalStore(self.folder)
        self.written, self.others = 0, list[str]()

    async def write(self, key: str, body: Body) -> None:
        """Create the file, durably. Raises ConfigError if the folder cannot be written."""
        try:
            await self._store.put(key, body, content_type="audio/mpeg", metadata={})
            self.written += 1
        except (ObjectExists, ObjectOccupied):
            await self._compare(key, body)
        except StoreError as error:
            raise self._unusable(self.folder, error.detail or error.reason) from None

    async def _compare(self, key: str, body: Body) -> None:
        try:
            found = await self._store.stat(key)
        except StoreError:
            found = None
        if found is None or (found.size, found.crc32c) != (body.size, body.crc32c):
            self.others.append(key)

    async def close(self) -> None:
        await self._store.close()

    @staticmethod
    def _unusable(folder: Path, reason: str) -> ConfigError:
        return ConfigError(
            _("The folder %(folder)s cannot be written: %(reason)s. Free some space or name another folder, then repeat the command.")
            % {"folder": folder, "reason": reason}
        )


def read_sample(installation: Installation, drill: Drill, told: Callable[[Drill], None], restored: Restored | None = None) -> None:
    """Read what is unread of the drill, until everything is read or refused. `told` is called after each few recordings, on the
    event loop: it must not ask the database.

    Raises the failure that ended it early, which the drill keeps; DrillTaken; ConfigError if `restored` cannot be written. Whatever was
    read before is recorded and is not read again.
    """

    async def work(connections: Connections) -> None:
        try:
            await _SampleReader(installation, connections, drill, told, restored).run()
        except RokuonError as error:
            if not isinstance(error, DrillTaken):
                await connections.db(drills.stop, drill.pk, error.reason)
            raise
        finally:
            if restored is not None:
                await restored.close()

    connected(installation, drill.started_at, work)


class _SampleReader:
    def __init__(
        self,
        installation: Installation,
        connections: Connections,
        drill: Drill,
        told: Callable[[Drill], None],
        restored: Restored | None,
    ) -> None:
        self._installation, self._connections, self._drill, self._told, self._restored = installation, connections, drill, told, restored
        self._limits = TransferLimits(installation.config.spool_dir)
        self._memory = MemoryBudget(self._limits.memory)

    async def run(self) -> None:
        db, drill = self._connections.db, self._drill
        await self._take()
        store = await self._connections.store(drill.bucket_id)
        while due := await db(drills.next_unread, drill.pk, AT_ONCE):
            found = await asyncio.gather(*(self._read(store, one) for one in due), return_exceptions=True)
            await db(drills.record, drill.pk, [one for one in found if isinstance(one, ReadResult)])
            await db(drill.refresh_from_db)
            self._told(drill)
            for one in found:
                if isinstance(one, BaseException):
                    raise one

    async def _take(self) -> None:
        for _try in range(LOOKS):
            if await self._connections.db(drills.alone, self._drill.pk):
                return
            await asyncio.sleep(LOOK_AGAIN_S)
        raise DrillTaken(_("Another process reads the sample of this drill. Wait until it ends, or stop it, then repeat the command."))

    async def _read(self, store: Store, one: ToRead) -> ReadResult:
        try:
            return await self._once(store, one)
        except (StoreError, SourceError):
            return await self._again(one)

    async def _again(self, one: ToRead) -> ReadResult:
        """Read the object on another connection: a flipped bit on the way must not count as a damaged recording, and a bucket that is not
        there must not count as one without recordings."""
        fresh = Connections(self._installation.config, self._installation.vault, self._connections.db, lambda: 0)
        try:
            store = await fresh.store(self._drill.bucket_id)
            try:
                return await self._once(store, one, again=True)
            except (*_BAD, *_REFUSED) as error:
                fresh.forget_store(self._drill.bucket_id)
                await fresh.store(self._drill.bucket_id)  # it may have gone away since it was recognised
                return ReadResult(one.place, error.reason, error.detail, again=True, refused=isinstance(error, _REFUSED))
        finally:
            await fresh.close()

    async def _once(self, store: Store, one: ToRead, *, again: bool = False) -> ReadResult:
        async with read_back(VerifiedObject(one.key, one.size, one.sha256, one.audio_ms), store, self._limits, self._memory) as body:
            if self._restored is not None:
                await self._restored.write(one.key, body)
        return ReadResult(one.place, DrawnRecording.WHOLE, again=again)
