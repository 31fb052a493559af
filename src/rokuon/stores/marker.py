"""The marker: says which company a bucket belongs to and which bucket it is; people see it as an empty folder `call-recordings/`.

If a store keeps metadata, the marker is an empty object of exactly that name and the claim is its metadata, so that a bucket's console
shows the empty folder of the article. Otherwise, or if the folder already exists, the claim is a small file inside.

A marker contains the bucket's identity, a random text, because two disks that are used in turn at one mount point have the same address,
company and installation; and when it got that identity. A marker of an earlier version has no identity, and nothing that is stored is ever
replaced: such a bucket gets its identity in a separate file. All names sort before every recording; an inventory of the bucket skips them
(`KEYS`).
"""

import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rokuon.domain.failures import ObjectExists, ObjectMissing, ObjectOccupied
from rokuon.domain.ports import Body, Store, StoredObject

from .checksums import crc32c

FOLDER = "call-recordings/"
CLAIM_FILE = "call-recordings/.rokuon"
IDENTITY_FILE = "call-recordings/.rokuon-identity"
KEYS = (FOLDER, CLAIM_FILE, IDENTITY_FILE)
_COMPANY, _INSTALLATION, _BUCKET, _MADE = "rokuon-company", "rokuon-installation", "rokuon-bucket", "rokuon-made"
_JSON = "application/json"
_CLAIM_LIMIT = 4096
_YEARS = range(2000, 3000)


@dataclass(frozen=True, slots=True)
class Claim:
    company_id: str
    installation_id: str


@dataclass(frozen=True, slots=True)
class Marker:
    """A bucket's marker. `key` is the object with the claim. `identity` is "" for a bucket that an earlier version marked, until
    `identify`; `made` is when the bucket got it, None where its marker does not say."""

    key: str
    claim: Claim
    identity: str = ""
    made: datetime | None = None


def new_identity() -> str:
    return secrets.token_hex(16)


async def find(store: Store) -> Marker | None:
    """Return the bucket's marker; None if the bucket is unclaimed. Raises ObjectOccupied if a claim or an identity cannot be read."""
    marker = await _claimed(store)
    if marker is None or marker.identity:
        return marker
    return _identified(marker, await _identity(store) or {})


async def create(store: Store, claim: Claim, identity: str, now: datetime) -> Marker:
    """Create the marker of an unclaimed bucket. Raises ObjectExists if another process created it first."""
    of_bucket = _of_bucket(identity, now)
    fields = {_COMPANY: claim.company_id, _INSTALLATION: claim.installation_id, **of_bucket}
    if store.capabilities.keeps_metadata and await store.stat(FOLDER) is None:
        await store.put(FOLDER, _body(b""), content_type="application/x-directory", metadata=fields)
        return _identified(Marker(FOLDER, claim), of_bucket)
    await store.put(CLAIM_FILE, _text(fields), content_type=_JSON, metadata=fields)
    return _identified(Marker(CLAIM_FILE, claim), of_bucket)


async def identify(store: Store, marker: Marker, identity: str, now: datetime) -> Marker:
    """Return the marker with its identity. A marker without one gets this one, unless another process gives it one at the same moment."""
    if marker.identity:
        return marker
    fields = _of_bucket(identity, now)
    try:
        await store.put(IDENTITY_FILE, _text(fields), content_type=_JSON, metadata=fields)
    except ObjectExists:
        found = await _identity(store)
        if found is None:
            raise ObjectMissing("the identity file was there and is gone") from None
        return _identified(marker, found)
    return _identified(marker, fields)


async def reads_back(store: Store, marker: Marker) -> bool:
    """Whether the marker's facts, its bytes and its place in the list all agree with the claim."""
    found = await store.stat(marker.key)
    if found is None:
        return False
    data = await _content(store, marker.key)
    said = _from_fields(found.metadata) if marker.key == FOLDER else _from_fields(_parsed(data))
    listed = [entry async for entry in _first(store, marker.key)]
    agrees = (len(data), crc32c(data), said) == (found.size, found.crc32c, marker.claim)
    return agrees and [entry.key for entry in listed] == [marker.key] and (await find(store) == marker)


async def _claimed(store: Store) -> Marker | None:
    folder = await store.stat(FOLDER) if store.capabilities.keeps_metadata else None
    if folder and (claim := _from_fields(folder.metadata)):
        return _identified(Marker(FOLDER, claim), folder.metadata)
    if await store.stat(CLAIM_FILE) is None:
        return None
    fields = _parsed(await _content(store, CLAIM_FILE))
    claim = _from_fields(fields)
    if claim is None:
        raise ObjectOccupied("the claim file")
    return _identified(Marker(CLAIM_FILE, claim), fields)


async def _identity(store: Store) -> Mapping[str, Any] | None:
    """Return the fields of the identity file, None if there is no such file."""
    if await store.stat(IDENTITY_FILE) is None:
        return None
    fields = _parsed(await _content(store, IDENTITY_FILE))
    if not _identity_in(fields):
        raise ObjectOccupied("the identity file")
    return fields


async def _first(store: Store, prefix: str) -> AsyncIterator[StoredObject]:
    async for entry in store.list(prefix):
        yield entry
        return


async def _content(store: Store, key: str) -> bytes:
    try:
        return b"".join([piece async for piece in store.read(key, 0, _CLAIM_LIMIT)])
    except ObjectMissing:
        return b""


def _text(fields: Mapping[str, str]) -> Body:
    return _body(json.dumps(fields, ensure_ascii=False).encode())


def _body(data: bytes) -> Body:
    return Body(len(data), hashlib.sha256(data).hexdigest(), crc32c(data), data)


def _parsed(data: bytes) -> Mapping[str, Any]:
    try:
        fields = json.loads(data)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _from_fields(fields: Mapping[str, Any]) -> Claim | None:
    company, installation = fields.get(_COMPANY), fields.get(_INSTALLATION)
    return Claim(company, installation) if isinstance(company, str) and isinstance(installation, str) else None


def _identity_in(fields: Mapping[str, Any]) -> str:
    identity = fields.get(_BUCKET)
    return identity if isinstance(identity, str) and len(identity) <= 64 else ""


def _of_bucket(identity: str, now: datetime) -> dict[str, str]:
    return {_BUCKET: identity, _MADE: now.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")}


def _identified(marker: Marker, fields: Mapping[str, Any]) -> Marker:
    return replace(marker, identity=_identity_in(fields), made=_made_in(fields))


def _made_in(fields: Mapping[str, Any]) -> datetime | None:
    """Return when the bucket got its identity. People read it; no decision depends on it, so a text that is no such time is none."""
    try:
        made = datetime.fromisoformat(str(fields.get(_MADE)))
    except ValueError:
        return None
    # Anyone who may write to the bucket may write any time: the database has no zone of 23:59, and no page the first and last years.
    return made if made.utcoffset() == timedelta(0) and made.year in _YEARS else None
