"""Parses Google's object resources strictly: any answer, also of a proxy or an emulator, becomes an object or StoreUnavailable."""

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from rokuon.domain.failures import ObjectMisread, StoreUnavailable
from rokuon.domain.ports import StoredObject

from .checksums import crc32c, from_base64, to_base64

_HASH = re.compile(r"(?:^|[\s,])crc32c=([A-Za-z0-9+/]{6}==)")
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(?:\d{1,18}|\*)")


@dataclass(frozen=True, slots=True)
class ObjectPage:
    items: tuple[StoredObject, ...]
    following: str
    """The token of the next page; "" on the last one."""


def stored(resource: Any) -> StoredObject:
    """Parse an object resource. Raises StoreUnavailable if a field is missing that Google guarantees, because then nothing is known about
    the object."""
    try:
        name = resource["name"]
        # Protocol Buffers leave out a zero, and so does Google's testbench.
        size = int(resource.get("size", 0))
        if not isinstance(name, str) or size < 0:
            raise ValueError("name or size")
        return StoredObject(
            key=name,
            size=size,
            crc32c=from_base64(resource["crc32c"]) if "crc32c" in resource else None,
            version=str(resource["generation"]),
            md5=str(resource.get("md5Hash", "")),
            content_type=str(resource.get("contentType", "")),
            metadata={str(key): str(value) for key, value in dict(resource.get("metadata") or {}).items()},
        )
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise StoreUnavailable(f"the answer lacks {error}") from error


def page_of(answer: Any) -> ObjectPage:
    """Parse a page of a list. Raises StoreUnavailable."""
    if not isinstance(answer, dict):
        raise StoreUnavailable("the answer is no list")
    items, following = answer.get("items", []), answer.get("nextPageToken", "")
    if not isinstance(items, list) or not isinstance(following, str):
        raise StoreUnavailable("the answer is no list")
    return ObjectPage(tuple(stored(item) for item in items), following)


async def as_json(answer: aiohttp.ClientResponse) -> Mapping[str, Any]:
    """Parse a response as a JSON object. Raises StoreUnavailable."""
    try:
        fields: Any = await answer.json(content_type=None)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise StoreUnavailable("the answer is not JSON")
    return fields


async def checked(answer: aiohttp.ClientResponse, start: int, end: int | None, piece: int) -> AsyncIterator[bytes]:
    """Yield the body piece by piece. Raises ObjectMisread, at once or at the end, if it is not what was requested: another range, another
    length than announced, or, for a whole object, bytes that do not match its checksum."""
    whole = not start and end is None
    announced = answer.headers.get("Content-Length", "")
    if not whole:
        found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        if answer.status != 206 or found is None or int(found[1]) != start or (end is not None and int(found[2]) >= end):
            raise ObjectMisread("another range than was asked for")
        announced = str(int(found[2]) - int(found[1]) + 1)
    elif not announced:
        announced = answer.headers.get("x-goog-stored-content-length", "")
    size = checksum = 0
    while data := await answer.content.read(piece):
        size += len(data)
        checksum = crc32c(data, checksum) if whole else 0
        yield data
    if announced.isdecimal() and size != int(announced):
        raise ObjectMisread(f"{size} bytes of {announced}")
    said = _HASH.search(", ".join(answer.headers.getall("x-goog-hash", [])))
    if whole and said is not None and said[1] != to_base64(checksum):
        raise ObjectMisread("other bytes than x-goog-hash says")
