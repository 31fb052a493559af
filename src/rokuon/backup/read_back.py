"""Read a verified object back from its store, whole, and prove again that it is what was verified."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from rokuon.domain import audio
from rokuon.domain.failures import ObjectDiffers, RecordingDurationDiffers
from rokuon.domain.ports import Body, Store

from .fetch import look_into, take_in
from .limits import MemoryBudget, TransferLimits


@dataclass(frozen=True, slots=True)
class VerifiedObject:
    """An object as it was verified. `audio_ms` is None if a person accepted it without a proof that it is audio."""

    key: str
    size: int
    sha256: str
    audio_ms: int | None


@asynccontextmanager
async def read_back(expected: VerifiedObject, store: Store, limits: TransferLimits, memory: MemoryBudget) -> AsyncIterator[Body]:
    """Yield the bytes of the object. Memory and spool file are released at the end.

    Raises what `Store.read` raises; ObjectDiffers if size or hash differ; what `audio.inspect` raises, and RecordingDurationDiffers if its
    audio does not have the length that was verified; SpoolUnusable.
    """
    async with AsyncExitStack() as resources:
        body, _cut = await take_in(_Whole(expected, store), limits, memory, resources)
        if (body.size, body.sha256) != (expected.size, expected.sha256):
            raise ObjectDiffers(f"{body.size} bytes that are not the {expected.size} that were verified")
        if expected.audio_ms is not None:
            facts = await look_into(body, audio.inspect)
            if facts.duration_ms != expected.audio_ms:
                raise RecordingDurationDiffers(f"{facts.duration_ms} ms of audio, {expected.audio_ms} ms verified")
        yield body


class _Whole:
    """The object with the interface of a download."""

    content_type = "audio/mpeg"

    def __init__(self, expected: VerifiedObject, store: Store) -> None:
        self.length: int | None = expected.size
        self._key, self._size, self._store = expected.key, expected.size, store

    async def chunks(self, limit: int) -> AsyncIterator[bytes]:
        done = 0
        async for chunk in self._store.read(self._key):
            done += len(chunk)
            if done > self._size:
                raise ObjectDiffers(f"more than the {self._size} bytes that were verified")
            yield chunk
