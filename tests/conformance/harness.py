"""What the suite needs around a store: a fresh empty one, and ways to cause trouble that only its own side can cause.

A further kind of store is one class here with the methods of `Harness`, named in `HARNESSES`. The troubles that cannot happen to it
(a folder has no token) are not in its `causes`, and the suite leaves those tests out for it.
"""

import errno
import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from rokuon.domain.ports import Body, Store
from rokuon.stores.checksums import crc32c
from rokuon.stores.gcs import GcsStore
from rokuon.stores.google_key import service_account
from rokuon.stores.local import LocalStore
from rokuon.stores.memory import MemoryStore
from tests.simulators.gcs import Fault, GcsDouble, Op


class Trouble(StrEnum):
    """At the next write, where nothing else is said."""

    RESET_AT_FIRST_BYTE = "reset before any byte"
    RESET_IN_THE_MIDDLE = "reset at 256 KiB"
    RESET_ON_LAST_PIECE = "reset on the final chunk"
    ANSWER_LOST = "answer lost after the commit"
    SERVER_ERROR_TWICE = "503 twice"
    TIMED_OUT = "408"
    THROTTLED = "429 that names 7 seconds"
    DAMAGED_ON_THE_WAY = "a bit flipped on the way"
    STORED_DAMAGED = "stored damaged, answered as if nothing were"
    READ_BREAKS = "the next read breaks off"
    LOOKS_STUMBLE = "each question what is there is answered 503 twice"
    LOOKS_ARE_RESET = "the connection of each such question is reset twice"
    NO_BUCKET = "no bucket, from now on"
    NO_GRANT = "no grant, from now on"
    NO_BILLING = "billing disabled, from now on"
    TOKEN_EXPIRED = "the token in use expires early"
    CREDENTIAL_REVOKED = "no further token, from now on"
    MAY_NOT_DELETE = "create and view only, from now on"
    MAY_NOT_DELETE_AND_SAYS_SO_FIRST = "the same, and a taken name answers 403"
    RETENTION_LOCKED = "retention policy locked, from now on"


class Harness(ABC):
    """`store` is open and empty after `start`."""

    store: Store
    causes: ClassVar[frozenset[Trouble]] = frozenset()

    @abstractmethod
    async def start(self, folder: Path) -> None: ...

    @abstractmethod
    async def stop(self) -> None: ...

    @abstractmethod
    async def cause(self, trouble: Trouble) -> None: ...

    @abstractmethod
    async def seed(self, keys: Iterable[str]) -> None:
        """One-byte objects, without going through the store."""

    def leftovers(self) -> list[str]:
        """What is there besides objects."""
        return []

    def overwrites(self) -> int:
        return 0


class MemoryHarness(Harness):
    async def start(self, folder: Path) -> None:
        self.store = self._memory = MemoryStore()

    async def stop(self) -> None:
        await self.store.close()

    async def cause(self, trouble: Trouble) -> None:
        raise NotImplementedError(trouble)

    async def seed(self, keys: Iterable[str]) -> None:
        for key in keys:
            await self.store.put(key, body_of(b"x"), content_type="", metadata={})


class LocalHarness(Harness):
    causes = frozenset({Trouble.NO_BUCKET})

    async def start(self, folder: Path) -> None:
        self._root = folder / "bucket"
        self._root.mkdir()
        self.store = LocalStore(self._root)

    async def stop(self) -> None:
        await self.store.close()

    async def cause(self, trouble: Trouble) -> None:
        assert trouble is Trouble.NO_BUCKET
        self._root.rename(self._root.with_name("elsewhere"))

    async def seed(self, keys: Iterable[str]) -> None:
        for key in keys:
            (self._root / key).parent.mkdir(parents=True, exist_ok=True)
            (self._root / key).write_bytes(b"x")

    def leftovers(self) -> list[str]:
        return [str(path) for path in self._root.rglob(".rokuon-parts/*")]


class NoLinksHarness(LocalHarness):
    """A folder on a disk without hard links, such as FAT or many network shares: names are given by a rename that replaces nothing."""

    async def start(self, folder: Path) -> None:
        self._real = os.link
        os.link = self._refused  # type: ignore[assignment]
        await super().start(folder)

    async def stop(self) -> None:
        await super().stop()
        os.link = self._real

    def _refused(self, *given: object, **more: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


class GcsHarness(Harness):
    """A service account whose token endpoint is the double's, so that signing and renewal run for real."""

    causes = frozenset(Trouble)
    principal = "backup@p.iam.gserviceaccount.com"

    async def start(self, folder: Path) -> None:
        self.double = GcsDouble()
        await self.double.start()
        key = self.double.service_account(self.principal, "objectUser")
        self.slept: list[float] = []
        account = service_account(key, self.double.url)
        self.store = GcsStore(self.double.bucket_name, account, endpoint=self.double.url, sleep=self._sleep)

    async def stop(self) -> None:
        await self.store.close()
        await self.double.stop()

    async def cause(self, trouble: Trouble) -> None:
        bucket, double = self.double.bucket, self.double
        match trouble:
            case Trouble.RESET_AT_FIRST_BYTE:
                double.fail(Fault(Op.UPLOAD, reset_after=0), Fault(Op.CHUNK, reset_after=0))
            case Trouble.RESET_IN_THE_MIDDLE:
                double.fail(Fault(Op.UPLOAD, reset_after=256 * 1024), Fault(Op.CHUNK, reset_after=256 * 1024 + 1, skip=1))
            case Trouble.RESET_ON_LAST_PIECE:
                double.fail(Fault(Op.UPLOAD, reset_after=5000), Fault(Op.CHUNK, reset_after=1, skip=2))
            case Trouble.ANSWER_LOST:
                double.fail(Fault(Op.UPLOAD, lose_answer=True), Fault(Op.CHUNK, lose_answer=True, skip=2))
            case Trouble.SERVER_ERROR_TWICE:
                double.fail(Fault(Op.UPLOAD, status=503, times=2), Fault(Op.CHUNK, status=503, times=2))
            case Trouble.TIMED_OUT:
                double.fail(Fault(Op.UPLOAD, status=408), Fault(Op.CHUNK, status=408))
            case Trouble.THROTTLED:
                double.fail(*(Fault(op, status=429, reason="rateLimitExceeded", retry_after="7") for op in (Op.UPLOAD, Op.CHUNK)))
            case Trouble.DAMAGED_ON_THE_WAY:
                double.fail(Fault(Op.UPLOAD, flip_bit=True), Fault(Op.CHUNK, flip_bit=True))
            case Trouble.STORED_DAMAGED:
                double.fail(Fault(Op.UPLOAD, rot=True))
            case Trouble.READ_BREAKS:
                double.fail(Fault(Op.MEDIA, reset_after=1000))
            case Trouble.LOOKS_STUMBLE:
                double.fail(*(Fault(op, status=503, times=2) for op in (Op.STAT, Op.MEDIA, Op.LIST, Op.PERMISSIONS)))
            case Trouble.LOOKS_ARE_RESET:
                # A request that is reset is sent once more by aiohttp itself.
                double.fail(*(Fault(op, reset_after=0, times=4) for op in (Op.STAT, Op.MEDIA, Op.LIST, Op.PERMISSIONS)))
            case Trouble.NO_BUCKET:
                bucket.exists = False
            case Trouble.NO_GRANT:
                bucket.grant(self.principal)
            case Trouble.NO_BILLING:
                bucket.billing = False
            case Trouble.TOKEN_EXPIRED:
                double.accounts.expire_all()
            case Trouble.CREDENTIAL_REVOKED:
                double.accounts.expire_all()
                double.accounts.principals.clear()
            case Trouble.MAY_NOT_DELETE | Trouble.MAY_NOT_DELETE_AND_SAYS_SO_FIRST:
                bucket.grant(self.principal, "objectCreator", "objectViewer")
                bucket.forbidden_first = trouble is Trouble.MAY_NOT_DELETE_AND_SAYS_SO_FIRST
            case Trouble.RETENTION_LOCKED:
                bucket.retention_s, bucket.retention_locked = 3600, True

    async def seed(self, keys: Iterable[str]) -> None:
        self.double.bucket.grant("seeder", "objectUser")
        for key in keys:
            self.double.bucket.create("seeder", {"name": key}, b"x", 0)

    def overwrites(self) -> int:
        return self.double.bucket.overwrites

    async def _sleep(self, seconds: float, /) -> None:
        self.slept.append(seconds)


HARNESSES: list[type[Harness]] = [MemoryHarness, LocalHarness, NoLinksHarness, GcsHarness]


def body_of(data: bytes) -> Body:
    return Body(len(data), hashlib.sha256(data).hexdigest(), crc32c(data), data)


def spooled(data: bytes, path: Path) -> Body:
    path.write_bytes(data)
    return Body(len(data), hashlib.sha256(data).hexdigest(), crc32c(data), None, path)
