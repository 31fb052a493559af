"""Playback of a copy: read its bytes from the bucket in pieces, or make a link to it. Blocking, for a synchronous view.

Nothing is written, and no piece is larger than a megabyte for any recording, so a slow listener does not block a thread. Every function
raises StoreError if the bucket does not return what the ledger says it holds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from rokuon.domain.failures import BucketUnusable, ConfigError, ObjectDiffers, StoreUnavailable
from rokuon.domain.ports import LONGEST_LINK_S, Store
from rokuon.ledger.models import Aside, Copy
from rokuon.runtime.installation import Installation
from rokuon.wiring.connections import open_bucket

PIECE = 1024 * 1024
PATIENCE_S = 25.0
AUDIO = "audio/mpeg"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard:
    """An object of a copy for playback: the recording, or audio that was kept aside. `name` is the name of the downloaded file, with the
    extension of its real format."""

    copy: Copy
    key: str
    name: str
    size: int
    sha256: str
    content_type: str


def recording(copy: Copy) -> Heard:
    """Return the object of a verified copy. Its content type makes a browser treat it only as audio, whatever its bytes are (Q13)."""
    accepted, name = copy.accepted, _name(copy.key)
    if accepted is None:
        return Heard(copy, copy.key, name, copy.size or 0, copy.sha256, AUDIO)
    # Its key was frozen before it was known that it is not an MP3.
    name = f"{name.rpartition('.')[0]}.{accepted.key.rpartition('.')[2]}"
    return Heard(copy, copy.key, name, copy.size or 0, copy.sha256, _heard_as(accepted.content_type))


def kept_aside(copy: Copy, aside: Aside) -> Heard:
    return Heard(copy, aside.key, _name(aside.key), aside.size, aside.sha256, _heard_as(aside.content_type))


def _name(key: str) -> str:
    return key.rpartition("/")[2]


def _heard_as(content_type: str) -> str:
    return content_type if content_type.startswith("audio/") else "application/octet-stream"


def read(installation: Installation, copy: Heard, start: int, end: int) -> bytes:
    """Return exactly the bytes from `start` up to, not including, `end` of the object, at most PIECE of them.

    Raises ObjectDiffers if the object has fewer.
    """
    if not 0 <= start < end <= copy.size or end - start > PIECE:
        raise ValueError(f"{start} to {end} of {copy.size} bytes")

    async def wanted(store: Store) -> bytes:
        body = b"".join([piece async for piece in store.read(copy.key, start, end)])
        if len(body) != end - start:
            raise ObjectDiffers(f"{len(body)} bytes where {end - start} were verified")
        return body

    return _with_store(installation, copy, wanted)


def pieces(installation: Installation, copy: Heard) -> Iterator[bytes]:
    """Yield the whole object in pieces."""
    size = copy.size
    for start in range(0, size, PIECE):
        yield read(installation, copy, start, min(start + PIECE, size))


def link(installation: Installation, copy: Heard, disposition: str) -> str:
    """Return a link with which anyone can open this one object for five minutes; "" if the store makes no links. It is a secret and never
    logged."""

    async def signed(store: Store) -> str:
        if not store.capabilities.signs_urls:
            return ""
        return await store.signed_url(copy.key, LONGEST_LINK_S, content_type=copy.content_type, disposition=disposition)

    return _with_store(installation, copy, signed)


def _with_store(installation: Installation, copy: Heard, work: Callable[[Store], Awaitable[T]]) -> T:
    async def run() -> T:
        bucket = copy.copy.bucket
        try:
            store = open_bucket(installation.config, installation.vault, bucket.pk, bucket.url, bucket.credential)
        except ConfigError as error:
            raise BucketUnusable("its address or credential is not accepted by this installation") from error
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await work(store)
        except TimeoutError:
            raise StoreUnavailable(f"no answer within {PATIENCE_S:.0f} s") from None
        finally:
            await store.close()

    return asyncio.run(run())
