"""Copy one recording, from pending to verified. This is the most important operation of Rokuon; start reading here.

    placed     the ledger holds the bucket and the frozen key (`ledger.place`), before any byte is fetched
    fetched    all announced bytes have arrived                        (`fetch`)
    proven     they are complete audio of the length in the list       (`fetch`)
    stored     the store has created the object and replaced none
    verified   the store's own answer equals what was sent
    recorded   the ledger holds the result                             (`recorder`)

Each word is also a crash point: a process may die there, and any other process finishes the work. No worker claims a copy. If two workers
try the same copy, one object results: the store refuses the second write, and that refusal leads to `reconcile`, as a lost answer does.
Rokuon never overwrites or deletes an object.
"""

import hashlib
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TypeVar

from rokuon.domain import placement, retry
from rokuon.domain.copies import State
from rokuon.domain.crashpoints import reached
from rokuon.domain.failures import (
    InternalFault,
    ObjectDiffers,
    ObjectExists,
    ObjectMisread,
    ObjectMissing,
    ObjectOccupied,
    RokuonError,
    StoreUnavailable,
)
from rokuon.domain.ports import Body, Sleep, Source, Store, StoredObject
from rokuon.domain.work import AsideObject, FailedTry, Outcome, Work

from . import retained
from .fetch import CONTENT_TYPE, ProvenAudio, UnprovenAudio, accepted_audio, fetched_audio
from .limits import MemoryBudget, TransferLimits

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CopyContext:
    """Dependencies that all copies of a process share."""

    source: Source
    limits: TransferLimits
    memory: MemoryBudget
    sleep: Sleep


async def copy_recording(
    copies: Sequence[tuple[Work, Store]], context: CopyContext, now_ms: int, leaving: Callable[[Work], Awaitable[bool]] | None = None
) -> list[Outcome | FailedTry]:
    """Try all copies of one recording: fetch and prove it once (`domain.work.by_fetch`), and store it for each copy.

    Return one result for each copy, in their order: the outcome to record, or a `FailedTry` that the caller decides on. Raises nothing.
    Possible audio without a proof is kept aside if this was the last try, if `leaving` says that there may be no other try, or if the
    source has lost a recording that was read before. Otherwise it is retained until the next try."""
    first, store = copies[0]

    async def fetch_and_store() -> list[Outcome | FailedTry]:
        async with AsyncExitStack() as kept:
            audio = await _fetch(first, store, context, kept, now_ms)
            ended = [await _tried(work, _stored(work, into, audio, context, now_ms, leaving)) for work, into in copies]
            if not any(isinstance(one, FailedTry) and one.aside is None for one in ended):
                await retained.drop(context.limits.spool, first.history.read_sha256)
            return ended

    ended = await _tried(first, fetch_and_store())
    return [ended for _ in copies] if isinstance(ended, FailedTry) else ended


async def _tried(work: Work, step: Awaitable[T]) -> T | FailedTry:
    """Return the result of the step, or a `FailedTry` with its error."""
    try:
        return await step
    except RokuonError as error:
        return FailedTry(error)
    except Exception:
        trace = uuid.uuid4().hex[:12]
        log.exception("copy_crashed", extra={"copy": work.copy_id, "trace": trace})
        return FailedTry(InternalFault(f"trace {trace}"))


async def _stored(
    work: Work,
    store: Store,
    audio: ProvenAudio | UnprovenAudio,
    context: CopyContext,
    now_ms: int,
    leaving: Callable[[Work], Awaitable[bool]] | None,
) -> Outcome | FailedTry:
    """Store one copy: proven audio under its key; other audio is kept aside if there may be no other try."""
    if isinstance(audio, ProvenAudio):
        stored = await with_quick_retries(lambda: store_once(work, store, audio.body, content_type=audio.content_type), context.sleep)
        return _verified(work, audio, stored)
    last = isinstance(retry.decide(audio.error, work.history, now_ms, audio.read_sha256), retry.GiveUp)
    if not (last or audio.lost or (leaving and await leaving(work))):
        await retained.retain(context.limits.spool, audio)
        return FailedTry(audio.error, audio.read_sha256)
    kept_aside = await with_quick_retries(lambda: keep_aside(work, store, audio), context.sleep)
    return FailedTry(audio.error, audio.read_sha256, kept_aside)


async def _fetch(work: Work, store: Store, context: CopyContext, kept: AsyncExitStack, now_ms: int) -> ProvenAudio | UnprovenAudio:
    """Return the audio, which `kept` holds until it is closed. Short, temporary faults are retried at once, with or without a proof."""
    tries = 0
    while True:
        audio: ProvenAudio | UnprovenAudio | None = None
        try:
            if work.accepted:
                audio = await kept.enter_async_context(accepted_audio(work.accepted, store, context.limits, context.memory))
            else:
                audio = await kept.enter_async_context(fetched_audio(work, context.source, context.limits, context.memory, now_ms))
            error = audio.error if isinstance(audio, UnprovenAudio) else None
        except RokuonError as raised:
            error = raised
        delay = retry.quick_delay(error, tries) if error is not None else None
        if delay is None:
            if audio is None and error is not None:
                audio = await retained.lost(context.limits.spool, work, error)
            if audio is None:
                raise error or InternalFault
            return audio
        # Memory and spool file are released during the wait.
        await kept.aclose()
        tries += 1
        await context.sleep(delay)


async def with_quick_retries(step: Callable[[], Awaitable[T]], sleep: Sleep) -> T:
    """Run a step, and retry it at once a few times if its fault is short and temporary. So a short fault of the store does not cost
    a second download."""
    tries = 0
    while True:
        try:
            return await step()
        except RokuonError as error:
            delay = retry.quick_delay(error, tries)
            if delay is None:
                raise
        tries += 1
        await sleep(delay)


async def keep_aside(work: Work, store: Store, audio: UnprovenAudio) -> AsideObject:
    """Store the bytes under a key beside the recordings, in the same way as `store_once` stores a recording."""
    looks = audio.looks
    key = placement.aside_key(work.key, audio.body.sha256, looks.extension)
    stored = await store_once(replace(work, key=key), store, audio.body, content_type=looks.content_type)
    log.info("kept_aside", extra={"copy": work.copy_id, "reason": audio.error.reason, "size": stored.size})
    return AsideObject(key, stored.size, audio.body.sha256, audio.body.crc32c, looks.content_type, looks.name)


async def store_once(work: Work, store: Store, body: Body, *, content_type: str = CONTENT_TYPE) -> StoredObject:
    """Create the object and check the store's answer. If the key exists already or the answer was lost, check what is stored there.

    Raises ObjectOccupied (another object has the key), ObjectDiffers (the store kept other bytes), StoreUnavailable (no object there).
    """
    metadata = {"call-id": work.call_id, "recording-id": work.recording_id, "recording-kind": work.kind, "sha256": body.sha256}
    try:
        stored = await store.put(work.key, body, content_type=content_type, metadata=metadata)
    except (ObjectExists, StoreUnavailable) as unsure:
        return await reconcile(work, store, body, unsure)
    reached("stored")
    if stored.size != body.size or stored.crc32c != body.crc32c:
        raise ObjectDiffers(f"sent {body.size} bytes, the store answers {stored.size}")
    reached("verified")
    return stored


async def reconcile(work: Work, store: Store, body: Body, unsure: RokuonError) -> StoredObject:
    """Decide what the object under our key is: this recording (then it counts as stored), another object (ObjectOccupied), or missing.

    If it is missing, the write did not happen, and StoreUnavailable is raised as a temporary fault with the detail of `unsure`. One read
    alone never leads to ObjectOccupied: if the store's checksum equals ours but the bytes differ, or two reads differ, the read is at
    fault (ObjectMisread).
    """
    found = await store.stat(work.key)
    if found is None:
        raise StoreUnavailable(unsure.detail, retry_after=unsure.retry_after) from unsure
    described = f"there: {found.size} bytes, crc32c {found.crc32c}; ours: {body.size} bytes, crc32c {body.crc32c}"
    if found.size == body.size and found.crc32c != body.crc32c and not store.capabilities.stores_checksum:
        # This store computes the checksum by reading the object.
        again = await store.stat(work.key)
        if again is None or (again.size, again.crc32c) != (found.size, found.crc32c):
            raise ObjectMisread(described)
    if (found.size, found.crc32c) != (body.size, body.crc32c):
        raise ObjectOccupied(described)
    if found.metadata.get("recording-id", work.recording_id) != work.recording_id:
        raise ObjectOccupied(described)
    if await _sha256(store, work.key) != body.sha256:
        raise ObjectMisread(described)
    reached("verified")
    log.info("copy_reconciled", extra={"copy": work.copy_id, "after": unsure.reason})
    return found


async def _sha256(store: Store, key: str) -> str:
    sha = hashlib.sha256()
    try:
        async for chunk in store.read(key):
            sha.update(chunk)
    except ObjectMissing as gone:
        raise StoreUnavailable("the object disappeared while it was compared") from gone
    return sha.hexdigest()


def _verified(work: Work, audio: ProvenAudio, stored: StoredObject) -> Outcome:
    return Outcome(
        copy_id=work.copy_id,
        attempt=work.attempt,
        state=State.VERIFIED,
        size=stored.size,
        sha256=audio.body.sha256,
        crc32c=audio.body.crc32c,
        version=stored.version,
        md5=stored.md5,
        proof=audio.proof,
        audio_ms=audio.facts.duration_ms if audio.facts else None,
        facts=audio.facts,
    )
