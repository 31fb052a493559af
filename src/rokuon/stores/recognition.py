"""Checks that the bucket at an address is still the one in which recordings were verified.

An address is no proof: if a disk is not mounted, its empty mount point answers, and a bucket can be deleted and created again under the
same name. So the marker's identity is compared with the remembered one, and some objects that were verified are looked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rokuon.domain.failures import BucketClaimedByOther, BucketObjectsMissing, BucketReplaced, BucketUnmarked, ObjectOccupied
from rokuon.domain.ports import Store, StoredObject

from . import marker
from .marker import Marker


@dataclass(frozen=True, slots=True)
class KnownBucket:
    """Remembered facts of a bucket: its identity ("" if none is remembered), and some of the objects verified in it, the newest and
    the oldest among them, with the size and checksum that each had."""

    identity: str = ""
    objects: Sequence[StoredObject] = ()


async def absent(store: Store, expected: Sequence[StoredObject]) -> int:
    """Count the objects that are not there with the same size and checksum. Raises StoreError if the store does not answer."""
    return sum([not await _is_there(store, one) for one in expected])


async def recognise(store: Store, company_id: str, known: KnownBucket, now: datetime) -> Marker:
    """Return the marker of the bucket that was verified, with an identity.

    Raises BucketUnmarked, BucketClaimedByOther, BucketReplaced. If no identity is remembered, the known objects are the proof instead:
    BucketObjectsMissing says how many are not there, and a marker without an identity gets one.
    """
    found = await marker.find(store)
    if found is None:
        raise BucketUnmarked
    if found.claim.company_id != company_id:
        raise BucketClaimedByOther
    if known.identity:
        if found.identity != known.identity:
            raise BucketReplaced
        return found
    if missing := await absent(store, known.objects):
        raise BucketObjectsMissing(told(missing, known))
    return await marker.identify(store, found, marker.new_identity(), now)


def told(missing: int, known: KnownBucket) -> str:
    return f"{missing} of {len(known.objects)}"


async def _is_there(store: Store, expected: StoredObject) -> bool:
    try:
        found = await store.stat(expected.key)
    except ObjectOccupied:
        return False
    if found is None or found.size != expected.size:
        return False
    return found.crc32c is None or found.crc32c == expected.crc32c
