"""Store in memory: the whole contract without a disk or a network. For tests and experiments."""

import asyncio
import hashlib
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence

from rokuon.domain.bucket_listing import PAGE, FormerObject, ListedObject, ListedPage
from rokuon.domain.failures import ChecksumRefused, ObjectExists, ObjectMissing
from rokuon.domain.ports import Body, Capabilities, StoredObject

from . import keys, links
from .checksums import crc32c

_PIECE = 1024 * 1024


class MemoryStore:
    """A store in memory. It keeps its objects until it is garbage-collected; `close` does not remove them."""

    capabilities = Capabilities(keeps_metadata=True, checks_writes=True, stores_checksum=True, signs_urls=False, bucket_roles=False)

    def __init__(self, name: str = "memory") -> None:
        self.url = f"memory://{name}"
        self._objects: dict[str, tuple[StoredObject, bytes]] = {}
        self._writes = 0

    async def put(self, key: str, body: Body, *, content_type: str, metadata: Mapping[str, str]) -> StoredObject:
        keys.check(key)
        data = await _bytes_of(body)
        if len(data) != body.size or crc32c(data) != body.crc32c:
            raise ChecksumRefused(f"{len(data)} bytes of {body.size}")
        if key in self._objects:
            raise ObjectExists
        self._writes += 1
        md5 = b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        stored = StoredObject(key, len(data), crc32c(data), str(self._writes), content_type, dict(metadata), md5)
        self._objects[key] = (stored, data)
        return stored

    async def stat(self, key: str) -> StoredObject | None:
        await asyncio.sleep(0)
        found = self._objects.get(key)
        return found[0] if found else None

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if key not in self._objects:
            raise ObjectMissing
        data = self._objects[key][1][start:end]
        for at in range(0, len(data), _PIECE):
            await asyncio.sleep(0)
            yield data[at : at + _PIECE]

    async def list(self, prefix: str, after: str = "") -> AsyncIterator[StoredObject]:
        for key in sorted(self._objects, key=str.encode):
            if key.startswith(prefix) and key.encode() > after.encode() and key in self._objects:
                await asyncio.sleep(0)
                yield self._objects[key][0]

    async def page(self, prefix: str, after: str = "", limit: int = PAGE) -> ListedPage:
        await asyncio.sleep(0)
        names = sorted((key for key in self._objects if key.startswith(prefix) and key.encode() > after.encode()), key=str.encode)
        found = [self._objects[key][0] for key in names[:limit]]
        objects = [ListedObject(one.key, one.size, one.crc32c, one.md5, one.version) for one in found]
        return ListedPage(objects, last=len(names) <= limit)

    async def noncurrent(self, key: str) -> Sequence[FormerObject] | None:
        await asyncio.sleep(0)
        return []

    async def soft_deleted(self, key: str) -> Sequence[FormerObject] | None:
        """None: there is no soft delete."""
        await asyncio.sleep(0)
        return None

    async def signed_url(self, key: str, seconds: int, *, content_type: str, disposition: str) -> str:
        raise links.none_here()

    async def close(self) -> None:
        await asyncio.sleep(0)


async def _bytes_of(body: Body) -> bytes:
    await asyncio.sleep(0)
    if body.data is not None:
        return body.data
    try:
        return body.path.read_bytes() if body.path else b""
    except OSError as error:
        raise ChecksumRefused("the spool file cannot be read") from error
