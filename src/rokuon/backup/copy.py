"""The copy of one recording, from pending to verified. The most important operation of Rokuon; start reading here.

    placed     the ledger holds the bucket and the frozen key (`ledger.place`), before any byte moves
    fetched    the bytes are here, as many as were announced           (`fetch`)
    proven     they are audio, whole, as long as the source says        (`fetch`)
    stored     the store has created the object, and replaced none
    verified   the store's own answer equals what was sent
    recorded   the ledger says so                                       (`recorder`)

Each word is also a crash point: a process may die there and any other finishes the work. There is no claim on a copy. Two workers on
one copy end in one object, because the store refuses the second write and that refusal leads to `reconcile`, as a lost answer does.
Nothing is ever overwritten or deleted.
"""

import hashlib
import logging
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

from rokuon.domain import retry
from rokuon.domain.copies import State
from rokuon.domain.crashpoints import reached
from rokuon.domain.failures import InternalFault, ObjectDiffers, ObjectExists, ObjectMissing, ObjectOccupied, RokuonError, StoreUnavailable
from rokuon.domain.ports import Body, Sleep, Source, Store, StoredObject
from rokuon.domain.work import Outcome, Work

from .fetch import ProvenAudio, proven_audio
from .limits import Limits, MemoryBudget

log = logging.getLogger(__name__)

CONTENT_TYPE = "audio/mpeg"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gear:
    """What every copy of a process shares."""

    source: Source
    limits: Limits
    memory: MemoryBudget
    sleep: Sleep


async def copy_recording(work: Work, store: Store, gear: Gear) -> Outcome | RokuonError:
    """Try one copy to its end. The answer is the outcome to record, or the error for the caller to decide on; nothing is raised."""
    try:
        async with AsyncExitStack() as kept:
            audio = await patiently(lambda: kept.enter_async_context(proven_audio(work, gear.source, gear.limits, gear.memory)), gear.sleep)
            stored = await patiently(lambda: store_once(work, store, audio.body), gear.sleep)
            return _verified(work, audio, stored)
    except RokuonError as error:
        return error
    except Exception:
        trace = uuid.uuid4().hex[:12]
        log.exception("copy_crashed", extra={"copy": work.copy_id, "trace": trace})
        return InternalFault(f"trace {trace}")


async def patiently(step: Callable[[], Awaitable[T]], sleep: Sleep) -> T:
    """Run a step; try it again on the spot a few times where its fault is passing and short. What was fetched is not fetched again
    because the store stumbled."""
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


async def store_once(work: Work, store: Store, body: Body) -> StoredObject:
    """Create the object and check the store's answer; where a name is taken or an answer lost, find out what is there.

    Raises ObjectOccupied (something else has the name), ObjectDiffers (the store kept other bytes), StoreUnavailable (nothing there).
    """
    metadata = {"call-id": work.call_id, "recording-id": work.recording_id, "recording-kind": work.kind, "sha256": body.sha256}
    try:
        stored = await store.put(work.key, body, content_type=CONTENT_TYPE, metadata=metadata)
    except (ObjectExists, StoreUnavailable) as unsure:
        return await reconcile(work, store, body, unsure)
    reached("stored")
    if stored.size != body.size or stored.crc32c != body.crc32c:
        raise ObjectDiffers(f"sent {body.size} bytes, the store answers {stored.size}")
    reached("verified")
    return stored


async def reconcile(work: Work, store: Store, body: Body, unsure: RokuonError) -> StoredObject:
    """Decide what an object under our key is: this recording (then it counts), something else (ObjectOccupied), or not there.

    Where nothing is there the write did not happen, and `unsure` is raised again as a passing fault.
    """
    found = await store.stat(work.key)
    if found is None:
        raise StoreUnavailable(unsure.detail, retry_after=unsure.retry_after) from unsure
    same = found.size == body.size and found.crc32c == body.crc32c and await _sha256(store, work.key) == body.sha256
    if not same or found.metadata.get("recording-id", work.recording_id) != work.recording_id:
        raise ObjectOccupied(f"there: {found.size} bytes, crc32c {found.crc32c}; ours: {body.size} bytes, crc32c {body.crc32c}")
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
        proof=audio.proof,
        audio_ms=audio.audio_ms,
    )
