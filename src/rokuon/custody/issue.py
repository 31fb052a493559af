"""Issue a bucket's custody files: one manifest for each target that changed, and the seal that makes them count.

    read       each day that changed, in a transaction of its own
    written    the manifests are in the bucket; no seal names them yet
    intended   the database knows what to enter once the seal is there
    sealed     the seal is in the bucket: this is the commit
    entered    the database says so

Each word but the first is also a crash point. Every file is created and none replaced, so a repeated try finds its own files.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol

from rokuon.domain.crashpoints import reached
from rokuon.domain.failures import CustodyOccupied, ObjectExists, StoreUnavailable
from rokuon.domain.ports import Body, Store
from rokuon.stores.checksums import crc32c

from . import chains, changes, enter, groups, look, names, plan, seal, sshsig
from .manifest import ManifestWriter
from .plan import DayEntry, IssuePlan
from .seal import SealedFile, SealHead, SigningPair

log = logging.getLogger(__name__)

README = Path(__file__).with_name("README.txt")
"""Its bytes are fixed for format 1: the verifier knows their hash."""

_JSON_LINES, _TEXT = "application/x-ndjson", "text/plain; charset=utf-8"


class DatabaseThread(Protocol):
    async def __call__(self, function: Callable[..., Any], /, *args: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class IssueContext:
    """Dependencies of an issue. `key` returns the company's signing key of this id; for None the present one, and makes it at the first
    seal."""

    db: DatabaseThread
    store: Store
    installation: str
    key: Callable[[int, int | None], Awaitable[SigningPair]]
    now: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """A seal that is in the bucket: its number, SHA-256, files and days."""

    number: int
    sha256: str
    files: int
    days: int


async def issue(bucket_id: int, context: IssueContext) -> Issued:
    """Seal what changed in the bucket since its last seal; an empty seal if nothing did.

    Raises LedgerBehindBucket, CustodyOccupied, and what the store raises. Nothing is lost then: the days still wait.
    """
    while await context.db(changes.resolve):
        pass
    await _enter_unknown(bucket_id, context)
    planned: IssuePlan = await context.db(plan.next_issue, bucket_id, context.installation, context.now)
    # A lost key ends the issue before it writes: what is in a bucket may be there for ever.
    pair, present = await context.key(planned.company_id, planned.key_id), await context.key(planned.company_id, None)
    await _explain(pair, context)
    files, entries = await _write_manifests(planned, context)
    reached("custody_written")
    return await _seal(planned, files, entries, (pair, present), context)


async def _enter_unknown(bucket_id: int, context: IssueContext) -> None:
    """Enter seals that a worker wrote and did not enter. Raises LedgerBehindBucket if another ledger wrote one."""
    known = await look.require_known(context.store, lambda: context.db(chains.known_seals, bucket_id), thorough=True)
    if known.chain:
        async for one in look.newer(context.store, known.chain, known.head):
            await context.db(enter.enter, known.chain, one.number, one.sha256, context.now)


async def _write_manifests(planned: IssuePlan, context: IssueContext) -> tuple[list[SealedFile], list[DayEntry]]:
    files: list[SealedFile] = []
    entries: list[DayEntry] = []
    for target_id, versions in planned.waiting.items():
        target = await context.db(plan.target_of, planned, target_id)
        writer = ManifestWriter(target.dialpad_id, target.head)
        wanted = sorted(versions)
        while wanted:
            for group in await context.db(groups.of, target_id, target.subject.zone, wanted):
                wanted = wanted[len(group) :]
                for entry, lines in await context.db(plan.read, planned, target, group, context.now):
                    entries.append(entry)
                    for made in writer.add(date.fromisoformat(entry.day), lines):
                        files.append(await _put_manifest(planned, made, context))
        for made in writer.end():
            files.append(await _put_manifest(planned, made, context))
    return files, entries


async def _put_manifest(planned: IssuePlan, made: tuple[SealedFile, bytes], context: IssueContext) -> SealedFile:
    file, data = made
    await put_once(context.store, names.issue_folder(planned.chain, planned.number) + file.path, data, _JSON_LINES)
    return file


async def _explain(pair: SigningPair, context: IssueContext) -> None:
    """Put the README and the public key. If one was edited, the verifier says so and the seals continue: no seal depends on them."""
    public = f"{sshsig.public_line(pair.public)}\n".encode()
    for name, data in ((names.README, README.read_bytes()), (names.public_key(sshsig.digest(pair.public)), public)):
        try:
            await put_once(context.store, name, data, _TEXT)
        except CustodyOccupied as error:
            log.warning("custody_file_differs", extra={"file": name.removeprefix(names.FOLDER), "detail": error.detail})


async def _seal(
    planned: IssuePlan, files: list[SealedFile], entries: list[DayEntry], keys: tuple[SigningPair, SigningPair], context: IssueContext
) -> Issued:
    """Put the seal and enter it. `keys` are the one that signs it and the company's present one, which it announces if it is another."""
    pair, present = keys
    totals = await context.db(plan.totals, planned, entries)
    head = SealHead(
        installation=context.installation,
        company=planned.company,
        bucket=planned.bucket_url,
        chain=planned.chain,
        number=planned.number,
        previous=planned.previous,
        continues=planned.continues,
        announces=present.public if present.row_id != pair.row_id else "",
        names_until=planned.names_until,
        drill=planned.drill,
    )
    at = max(context.now, planned.not_before)  # a clock was set back
    data = seal.write(head, files, totals, pair, at)
    digest = seal.sha256(data)
    fields = {
        "key_id": pair.row_id,
        "announces_id": present.row_id if present.row_id != pair.row_id else None,
        "at": at.isoformat(),
        "names_until": (planned.names_until or at).isoformat(),
        "next_by": (at + seal.NEXT_WITHIN).isoformat(),
        "files": len(files),
        "totals": totals,
        "more": planned.more,
    }
    await context.db(enter.intend, planned.chain_id, planned.number, digest, fields, entries)
    reached("custody_intended")
    try:
        await context.store.put(names.seal(planned.chain, planned.number), _body(data), content_type=_TEXT, metadata={})
    except (ObjectExists, StoreUnavailable) as unsure:
        found = await context.store.stat(names.seal(planned.chain, planned.number))
        if found is None:
            raise StoreUnavailable(unsure.detail) from unsure
        digest = (await look.read(context.store, planned.chain, planned.number)).sha256
    reached("custody_sealed")
    if not await context.db(enter.enter, planned.chain, planned.number, digest, context.now):
        # Someone else took the name since this issue looked; the look says who.
        await look.require_known(context.store, lambda: context.db(chains.known_seals, planned.bucket_id), thorough=True)
        raise CustodyOccupied(names.seal(planned.chain, planned.number))
    await context.db(enter.unchanged, planned, entries)
    reached("custody_entered")
    log.info("custody_issued", extra={"chain": planned.chain_id, "issue": planned.number, "files": len(files), "days": len(entries)})
    return Issued(planned.number, digest, len(files), len(entries))


async def put_once(store: Store, key: str, data: bytes, content_type: str) -> None:
    """Create a file, or find that it is there. Raises CustodyOccupied if something else has its name."""
    body = _body(data)
    try:
        await store.put(key, body, content_type=content_type, metadata={})
    except (ObjectExists, StoreUnavailable) as unsure:
        found = await store.stat(key)
        if found is None:
            raise StoreUnavailable(unsure.detail) from unsure
        if (found.size, found.crc32c) != (body.size, body.crc32c):
            raise CustodyOccupied(f"{found.size} bytes in place of {body.size}") from unsure


def _body(data: bytes) -> Body:
    return Body(len(data), seal.sha256(data), crc32c(data), data)
