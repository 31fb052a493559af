"""What a store says of a bucket's objects when they are listed for an inventory. None or "" means not known: nothing is guessed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

PAGE = 1000
"""Objects in a page: the most that Google and Amazon list in one request."""


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as it is listed. `version` is the store's own identifier of the bytes (a generation; of a file, inode and mtime), `changes`
    that of its metadata (a metageneration). `md5` is in base64. `held` says whether a hold forbids to delete it, whatever its age."""

    key: str
    size: int
    crc32c: int | None = None
    md5: str = ""
    version: str = ""
    changes: int | None = None
    storage_class: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    held: bool | None = None
    retained_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ListedPage:
    """Objects in byte order of their keys. `last`: no object follows."""

    objects: Sequence[ListedObject]
    last: bool


@dataclass(frozen=True, slots=True)
class FormerObject:
    """An object that was deleted or overwritten and that the store still has. `restorable_until`: when a soft-deleted one is deleted for
    good."""

    key: str
    size: int
    version: str
    crc32c: int | None = None
    md5: str = ""
    deleted_at: datetime | None = None
    restorable_until: datetime | None = None


class ListsBuckets(Protocol):
    """The part of a store that an inventory uses. Raises only what `domain.failures` declares."""

    async def page(self, prefix: str, after: str = "", limit: int = PAGE) -> ListedPage:
        """Return up to `limit` objects under the prefix, those directly after the key `after`. Empty only if it is the last page."""

    async def noncurrent(self, key: str) -> Sequence[FormerObject] | None:
        """Return the noncurrent versions under exactly this key, the newest first; None if the store cannot say."""

    async def soft_deleted(self, key: str) -> Sequence[FormerObject] | None:
        """Return what was deleted under exactly this key and can be restored, the newest first; None if the store cannot say: it has no
        such thing, it is switched off, or the credential may not ask."""
