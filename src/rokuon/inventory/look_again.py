"""Ask the store about one suspect again, at the moment something is done about it, and find out what became of its object."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rokuon.domain import inventory, sniff
from rokuon.domain.bucket_listing import FormerObject
from rokuon.domain.failures import ObjectMisread, ObjectMissing, ObjectOccupied, StoreRequestRefused
from rokuon.domain.ports import Store, StoredObject
from rokuon.ledger.inventory_findings import Kind, SecondLook, Suspect

NOT_KNOWN = "not known"
"""The answer of a store that cannot say."""


@dataclass(frozen=True, slots=True)
class _Bytes:
    sha256: str
    looks_like: str


async def look_again(store: Store, suspect: Suspect, now: datetime, deletes_after: timedelta | None) -> SecondLook:
    """Return what the suspect is. Raises what the store raises if it does not answer: then nothing is known."""
    if not suspect.same:
        return SecondLook(suspect, None)
    try:
        found = await store.stat(suspect.expected.key)
    except ObjectOccupied as error:
        kind = Kind.CHANGED if suspect.expected.verified else None
        return SecondLook(suspect, kind, {"looked_at": now.isoformat(), "found": {"not_a_file": error.detail}})
    if found is None and not suspect.expected.verified:
        return SecondLook(suspect, None)
    if found is None:
        return await _gone(store, suspect, now, deletes_after)
    return await _there(store, suspect, found, now)


async def _gone(store: Store, suspect: Suspect, now: datetime, deletes_after: timedelta | None) -> SecondLook:
    key = suspect.expected.key
    evidence: dict[str, Any] = {"looked_at": now.isoformat(), "found": None}
    if inventory.is_ruled(suspect.expected.changed_at, now, deletes_after):
        return SecondLook(suspect, Kind.EXPIRED, evidence | {"rule_days": deletes_after.days if deletes_after is not None else None})
    soft = await store.soft_deleted(key)
    evidence["soft_deleted"] = _told(suspect.expected, soft)
    if _same_bytes(suspect.expected, soft):
        return SecondLook(suspect, Kind.DELETED, evidence)
    noncurrent = await store.noncurrent(key)
    evidence["noncurrent"] = _told(suspect.expected, noncurrent)
    return SecondLook(suspect, Kind.HIDDEN if _same_bytes(suspect.expected, noncurrent) else Kind.MISSING, evidence)


def _same_bytes(row: inventory.Expected, former: Sequence[FormerObject] | None) -> list[FormerObject]:
    """Return what may be restored: former objects with the facts that were verified, first the very version that was."""
    same = [one for one in former or () if not inventory.differs(row, one.size, one.crc32c, one.md5)]
    return sorted(same, key=lambda one: one.version != row.version)


async def _there(store: Store, suspect: Suspect, found: StoredObject, now: datetime) -> SecondLook:
    row = suspect.expected
    evidence: dict[str, Any] = {"looked_at": now.isoformat(), "found": _facts(found)}
    rewritten = bool(row.version and found.version and row.version != found.version)
    if not row.verified and inventory.differs(row, found.size, found.crc32c, found.md5):
        return SecondLook(suspect, None)
    compared = None not in (row.crc32c, found.crc32c) or bool(row.md5 and found.md5)
    if row.verified and not inventory.differs(row, found.size, found.crc32c, found.md5) and (compared or not rewritten):
        return SecondLook(suspect, Kind.REWRITTEN if rewritten else None, evidence, found.version)
    try:
        read = await _read(store, row.key)
    except ObjectMissing:
        # Removed since it was looked at: the next pass finds out more.
        return SecondLook(suspect, None)
    except (ObjectMisread, ObjectOccupied, StoreRequestRefused) as error:
        # Refused: for example, it was written with a key that Rokuon lacks. Its facts differ already, or it has no checksum.
        return SecondLook(suspect, Kind.CHANGED if row.verified else None, evidence | {"read": error.reason})
    evidence["read"] = {"sha256": read.sha256, "looks_like": read.looks_like}
    if read.sha256 == suspect.sha256:
        # These are the bytes that were verified, whatever the store says of them.
        if not row.verified:
            return SecondLook(suspect, Kind.RETURNED, evidence, found.version)
        return SecondLook(suspect, Kind.REWRITTEN if rewritten else None, evidence, found.version)
    return SecondLook(suspect, Kind.CHANGED if row.verified else None, evidence)


async def _read(store: Store, key: str) -> _Bytes:
    """Read the object once, in the memory of one piece."""
    digest, head = hashlib.sha256(), b""
    async for piece in store.read(key):
        digest.update(piece)
        head = head or piece[: sniff.SNIFFED_BYTES]
    return _Bytes(digest.hexdigest(), sniff.looks_like(head).name)


def _facts(found: StoredObject) -> Mapping[str, Any]:
    told = {"size": found.size, "crc32c": found.crc32c, "md5": found.md5, "version": found.version}
    return {name: value for name, value in told.items() if value not in (None, "")}


def _told(row: inventory.Expected, former: Sequence[FormerObject] | None) -> Any:
    """Return a store's answer as evidence: the newest few, before them the one to restore; an empty list for none, NOT_KNOWN if it cannot
    say."""
    if former is None:
        return NOT_KNOWN
    best = _same_bytes(row, former)[:1]
    return [
        {
            "version": one.version,
            "size": one.size,
            "deleted_at": one.deleted_at.isoformat() if one.deleted_at else None,
            "restorable_until": one.restorable_until.isoformat() if one.restorable_until else None,
        }
        for one in [*best, *(one for one in former if one not in best)][:3]
    ]
