"""Read the seals in a bucket: those that the ledger does not know say that it is older than the bucket.

A seal is ours if it names our company and is signed by one of our keys; no other program can write one.
"""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rokuon.domain.failures import CustodyOccupied, LedgerBehindBucket
from rokuon.domain.ports import Store

from . import names, sshsig

_LARGEST_SEAL = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class KnownSeals:
    """What the ledger knows of a bucket's seals. `chain` is the open one, "" before the first; `head` is its last number entered;
    `intended` are the SHA-256 of seals that a worker of this ledger was about to write. `chains` are all chains and `keys` all public keys
    of the company; a ledger without keys takes any valid signature."""

    company: str
    chain: str = ""
    head: int = 0
    intended: Collection[str] = ()
    chains: Collection[str] = ()
    keys: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class FoundSeal:
    """A seal in the bucket. `signer` is the public key that signed it, `announced` that of the next seal. If it cannot be read, `fields` is
    {} and both are ""."""

    chain: str
    number: int
    sha256: str
    fields: dict[str, Any]
    signer: str
    announced: str

    @property
    def names_until(self) -> datetime:
        """Until when it and the seals before it name what was stored. Raises ValueError for a seal without a time."""
        return datetime.fromisoformat(str(self.fields.get("names_until") or self.fields.get("at")))


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """The last seal of a chain that is ours, and what its first seal continues."""

    last: FoundSeal
    continues: dict[str, Any] | None


async def newer(store: Store, chain: str, head: int) -> AsyncIterator[FoundSeal]:
    """Yield the seals of a chain after number `head`, in order. One list request if there is none."""
    async for entry in store.list(names.chain_folder(chain), after=names.seal(chain, head)):
        place = names.parse_seal(entry.key)
        if place is not None:
            yield await read(store, *place)


async def read(store: Store, chain: str, number: int) -> FoundSeal:
    """Read a seal. Raises ObjectMissing."""
    pieces, size = [], 0
    async for piece in store.read(names.seal(chain, number)):
        pieces.append(piece)
        size += len(piece)
        if size > _LARGEST_SEAL:
            break
    return _parsed(chain, number, b"".join(pieces))


async def require_known(store: Store, read_known: Callable[[], Awaitable[KnownSeals]], *, thorough: bool = False) -> KnownSeals:
    """Return what the ledger knows. Raise LedgerBehindBucket if the bucket has a seal that is ours and that this ledger did not write: in
    its open chain, or as a chain that it does not know, because a dump may lack the last continuation. One list request, and one for each
    chain.

    `thorough` raises CustodyOccupied if something else has the name of a seal.
    """
    known = await read_known()
    while True:
        try:
            await _require(store, known, thorough=thorough)
        except (LedgerBehindBucket, CustodyOccupied):
            # Another worker may have made a seal since the ledger was read. It enters the intent before it puts the seal, so a seal of this
            # ledger that was found is in it by now. Each round needs one more seal; a ledger that is behind makes none.
            before, known = known, await read_known()
            if known == before:
                raise
        else:
            return known


async def _require(store: Store, known: KnownSeals, *, thorough: bool) -> None:
    if known.chain:
        async for found in newer(store, known.chain, known.head):
            if found.sha256 in known.intended:
                continue
            if is_ours(found, known):
                raise LedgerBehindBucket(f"chain {found.chain}: seal {found.number} in the bucket, {known.head} in the database")
            if thorough:
                raise CustodyOccupied(names.seal(found.chain, found.number))
    async for chain, number in _chains(store):
        if chain not in known.chains and is_ours(await read(store, chain, number), known):
            raise LedgerBehindBucket(f"chain {chain} in the bucket, not in the database")


async def ends(store: Store, known: KnownSeals) -> list[ChainEnd]:
    """Return where each chain of ours ends in the bucket: at its last seal that follows from the one before it. Reads every seal."""
    found = []
    async for chain, _ in _chains(store):
        end: ChainEnd | None = None
        keys = set(known.keys)
        async for one in newer(store, chain, 0):
            trusted = known if end is None else KnownSeals(known.company, keys={*keys, end.last.announced})
            if not is_ours(one, trusted) or (end is not None and one.fields.get("previous") != _named(end.last)):
                break
            keys.add(one.signer)
            end = ChainEnd(one, end.continues if end else one.fields.get("continues"))
        if end is not None:
            found.append(end)
    return found


def is_ours(found: FoundSeal, known: KnownSeals) -> bool:
    stands = (found.fields.get("company"), found.fields.get("chain"), found.fields.get("issue"))
    signed = found.signer in known.keys if known.keys else bool(found.signer)
    return signed and stands == (known.company, found.chain, found.number)


def _named(seal: FoundSeal) -> dict[str, Any]:
    return {"issue": seal.number, "sha256": seal.sha256}


def _parsed(chain: str, number: int, data: bytes) -> FoundSeal:
    line, end, armored = data.partition(b"\n")
    sha256 = hashlib.sha256(data).hexdigest()
    try:
        fields = json.loads(line)
        signer = sshsig.signer(line + end, armored.decode("ascii"))
        announced = sshsig.public_of_line(fields["rotate"]["to"]) if "rotate" in fields else signer
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return FoundSeal(chain, number, sha256, {}, "", "")
    return FoundSeal(chain, number, sha256, fields if isinstance(fields, dict) else {}, signer, announced)


async def _chains(store: Store) -> AsyncIterator[tuple[str, int]]:
    """Yield the first seal of each chain in the bucket."""
    after = ""
    while True:
        place = None
        async for entry in store.list(f"{names.FOLDER}/", after=after):
            if (place := names.parse_seal(entry.key)) is not None:
                break
        if place is None:
            return
        yield place
        after = f"{names.chain_folder(place[0])}~"
