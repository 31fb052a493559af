"""Parses Google's lists for an inventory strictly: any answer becomes objects with known facts, or StoreUnavailable."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rokuon.domain.bucket_listing import FormerObject, ListedObject
from rokuon.domain.failures import StoreUnavailable

from .checksums import from_base64

FIELDS = (
    "name,size,crc32c,md5Hash,generation,metageneration,timeCreated,updated,storageClass,temporaryHold,eventBasedHold,retention,"
    "retentionExpirationTime"
)
FORMER_FIELDS = "name,size,crc32c,md5Hash,generation,timeDeleted,softDeleteTime,hardDeleteTime"


@dataclass(frozen=True, slots=True)
class RawPage:
    """The resources of a page, not parsed yet. `following` is the token of the next one; "" on the last one."""

    items: Sequence[Any]
    following: str


def raw_page(answer: Any) -> RawPage:
    """Raises StoreUnavailable if the answer is no list."""
    items, following = (answer.get("items", []), answer.get("nextPageToken", "")) if isinstance(answer, dict) else (None, "")
    if not isinstance(items, list) or not isinstance(following, str):
        raise StoreUnavailable("the answer is no list")
    return RawPage(items, following)


def listed(resource: Any) -> ListedObject:
    """Parse an object of a list. Raises StoreUnavailable if a field is missing that Google guarantees."""
    try:
        until = [_time(resource.get("retentionExpirationTime")), _time((resource.get("retention") or {}).get("retainUntilTime"))]
        return ListedObject(
            key=_name(resource),
            size=_size(resource),
            crc32c=_crc32c(resource),
            md5=str(resource.get("md5Hash", "")),
            version=str(resource["generation"]),
            changes=int(resource["metageneration"]) if "metageneration" in resource else None,
            storage_class=str(resource.get("storageClass", "")),
            created_at=_time(resource.get("timeCreated")),
            updated_at=_time(resource.get("updated")),
            # Google leaves out a hold that is not set.
            held=bool(resource.get("temporaryHold") or resource.get("eventBasedHold")),
            retained_until=max((one for one in until if one is not None), default=None),
        )
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise StoreUnavailable(f"the answer lacks {error}") from error


def former(resources: Sequence[Any], key: str) -> list[FormerObject]:
    """Parse the versions under exactly this key that are not live, the newest first. Raises StoreUnavailable."""
    try:
        found = [_former(one) for one in resources if _name(one) == key and ("timeDeleted" in one or "softDeleteTime" in one)]
        return sorted(found, key=lambda one: int(one.version), reverse=True)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise StoreUnavailable(f"the answer lacks {error}") from error


def _former(resource: Any) -> FormerObject:
    return FormerObject(
        key=_name(resource),
        size=_size(resource),
        version=str(resource["generation"]),
        crc32c=_crc32c(resource),
        md5=str(resource.get("md5Hash", "")),
        deleted_at=_time(resource.get("softDeleteTime") or resource.get("timeDeleted")),
        restorable_until=_time(resource.get("hardDeleteTime")),
    )


def _name(resource: Any) -> str:
    name = resource["name"]
    if not isinstance(name, str):
        raise ValueError("name")
    return name


def _size(resource: Any) -> int:
    # Protocol Buffers leave out a zero, and so does Google's testbench.
    size = int(resource.get("size", 0))
    if size < 0:
        raise ValueError("size")
    return size


def _crc32c(resource: Any) -> int | None:
    return from_base64(resource["crc32c"]) if "crc32c" in resource else None


def _time(value: Any) -> datetime | None:
    """Parse a time of RFC 3339; None for a missing one. Raises ValueError."""
    if value is None:
        return None
    found = datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
