"""The marker: which company a bucket belongs to, written where people see it as an empty folder `call-recordings/`.

Where a store keeps metadata, the marker is an empty object of that very name and the claim is its metadata, so that a bucket's console
shows the empty folder of the article. Elsewhere, or where somebody made that folder before, the claim is a small file inside.
Both names sort before every recording; an inventory of the bucket passes over them (`KEYS`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rokuon.domain.failures import ObjectMissing, ObjectOccupied
from rokuon.domain.ports import Body, Store, StoredObject

from .checksums import crc32c

FOLDER = "call-recordings/"
CLAIM_FILE = "call-recordings/.rokuon"
KEYS = (FOLDER, CLAIM_FILE)
_COMPANY, _INSTALLATION = "rokuon-company", "rokuon-installation"
_CLAIM_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Claim:
    company_id: str
    installation_id: str


async def find(store: Store) -> tuple[str, Claim] | None:
    """The marker's key and what it says; None where the bucket is unclaimed. Raises ObjectOccupied where a claim cannot be read."""
    folder = await store.stat(FOLDER) if store.capabilities.keeps_metadata else None
    if folder and (claim := _from_fields(folder.metadata)):
        return FOLDER, claim
    if await store.stat(CLAIM_FILE) is None:
        return None
    claim = _parsed(await _content(store, CLAIM_FILE))
    if claim is None:
        raise ObjectOccupied("the claim file")
    return CLAIM_FILE, claim


async def create(store: Store, claim: Claim) -> StoredObject:
    """For an unclaimed bucket. Raises ObjectExists where somebody else was quicker."""
    fields = {_COMPANY: claim.company_id, _INSTALLATION: claim.installation_id}
    if store.capabilities.keeps_metadata and await store.stat(FOLDER) is None:
        return await store.put(FOLDER, _body(b""), content_type="application/x-directory", metadata=fields)
    text = json.dumps(fields, ensure_ascii=False).encode()
    return await store.put(CLAIM_FILE, _body(text), content_type="application/json", metadata=fields)


async def reads_back(store: Store, key: str, claim: Claim) -> bool:
    """Its facts, its bytes and its place in the list all agree with the claim."""
    found = await store.stat(key)
    if found is None:
        return False
    data = await _content(store, key)
    said = _from_fields(found.metadata) if key == FOLDER else _parsed(data)
    listed = [entry async for entry in _first(store, key)]
    return (len(data), crc32c(data), said) == (found.size, found.crc32c, claim) and [entry.key for entry in listed] == [key]


async def _first(store: Store, prefix: str) -> Any:
    async for entry in store.list(prefix):
        yield entry
        return


async def _content(store: Store, key: str) -> bytes:
    try:
        return b"".join([piece async for piece in store.read(key, 0, _CLAIM_LIMIT)])
    except ObjectMissing:
        return b""


def _body(data: bytes) -> Body:
    return Body(len(data), hashlib.sha256(data).hexdigest(), crc32c(data), data)


def _parsed(data: bytes) -> Claim | None:
    try:
        fields = json.loads(data)
    except ValueError:
        return None
    return _from_fields(fields) if isinstance(fields, dict) else None


def _from_fields(fields: Mapping[str, Any]) -> Claim | None:
    company, installation = fields.get(_COMPANY), fields.get(_INSTALLATION)
    return Claim(company, installation) if isinstance(company, str) and isinstance(installation, str) else None
