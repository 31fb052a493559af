"""The custody files of a bucket that speak of some days of some targets, as files: with every seal, so that the verifier can check them.

Names come from a bucket that others may write to: only those of custody files become names of files.
"""

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rokuon.domain.placement import ASIDE, PREFIX
from rokuon.domain.ports import Store, StoredObject

from . import names

AT_ONCE = 8
LARGEST = 64 * 1024 * 1024
_NAME = re.compile(
    rf"{re.escape(names.FOLDER)}/(README\.txt|keys/[0-9a-f]{{64}}\.pub|[0-9a-f]{{16}}/[0-9]{{8}}/[A-Za-z0-9_-][A-Za-z0-9_.-]*)\Z"
)


@dataclass(frozen=True, slots=True)
class WantedDays:
    """The targets by Dialpad's id with their folders in the bucket, and the local days, both included. `every`: manifests of all targets
    are wanted, whether or not this ledger knows them, as the verifier reads them without `--target`."""

    folders: Mapping[str, str]
    first: date
    last: date
    every: bool = False

    def names(self, file: Mapping[str, object]) -> bool:
        """Whether this entry of a seal is a file of it: a manifest that has days of it, or receipts."""
        if file.get("kind") != "manifest":
            return True
        overlaps = str(file.get("first")) <= self.last.isoformat() and str(file.get("last")) >= self.first.isoformat()
        return overlaps and (self.every or file.get("target") in self.folders)


async def write(store: Store, wanted: WantedDays, folder: Path) -> int:
    """Write the files below `folder`, under the path that they have below `call-recordings/`. Return the number of seals."""
    keys = {one.key async for one in store.list(f"{names.FOLDER}/") if _NAME.match(one.key) and one.size <= LARGEST}
    seals = sorted(key for key in keys if names.parse_seal(key))
    always = [key for key in keys if key == names.README or key.startswith(f"{names.FOLDER}/keys/") or key.endswith("/seal.tsr")]
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(key: str) -> bytes:
        async with turns:
            data = b"".join([piece async for piece in store.read(key)])
        path = folder / key.removeprefix(f"{PREFIX}/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return data

    read = await asyncio.gather(*(one(key) for key in seals))
    named = {f"{key.removesuffix(names.SEAL)}{path}" for key, data in zip(seals, read, strict=True) for path in _files(data, wanted)}
    await asyncio.gather(*(one(key) for key in sorted({*always, *(named & keys)})))
    return len(seals)


def _files(seal: bytes, wanted: WantedDays) -> list[str]:
    """Return the paths that a seal names; none for a seal that cannot be read, which the verifier then reports."""
    try:
        files = json.loads(seal.partition(b"\n")[0])["files"]
        return [str(one["path"]) for one in files if wanted.names(one)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []


async def listing(store: Store, wanted: WantedDays) -> bytes:
    """Return a listing of the recordings of these days, and of all that was kept aside, in the shape of `rclone lsjson -R --hash`. Objects
    of a store that keeps no checksum are read."""
    found: list[StoredObject] = []
    for name in sorted({folder for folder in wanted.folders.values() if folder}):
        place = f"{PREFIX}/{name}/"
        async for one in store.list(place, after=f"{place}{wanted.first}"):
            day = one.key.removeprefix(place)[:10]
            if day > wanted.last.isoformat():
                break
            found.append(one)
    found += [one async for one in store.list(f"{PREFIX}/{ASIDE}/")]
    return json.dumps([await _entry(store, one) for one in found], ensure_ascii=False, indent=0).encode()


async def _entry(store: Store, one: StoredObject) -> dict[str, object]:
    hashes: dict[str, str] = {}
    if one.md5:
        hashes["md5"] = base64.b64decode(one.md5).hex()
    if one.crc32c is not None:
        hashes["crc32c"] = f"{one.crc32c:08x}"
    if not hashes:
        digest = hashlib.sha256()
        async for piece in store.read(one.key):
            digest.update(piece)
        hashes["sha256"] = digest.hexdigest()
    return {"Path": one.key, "Size": one.size, "IsDir": False, "Hashes": hashes}
