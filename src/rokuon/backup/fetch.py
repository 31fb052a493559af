"""Fetch a recording and prove that it is complete audio (ARCHITECTURE.md).

The result is an audio file of the right length, or bytes that may be audio with the reason why they are not proven. If nothing is worth
keeping, an exception of `domain.failures` is raised.
"""

import asyncio
import errno
import hashlib
import mmap
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import TypeVar

import google_crc32c

from rokuon.domain import audio
from rokuon.domain.audio import AudioFacts
from rokuon.domain.crashpoints import reached
from rokuon.domain.duration import check_length
from rokuon.domain.failures import (
    ObjectDiffers,
    RecordingDamaged,
    RecordingDurationDiffers,
    RecordingEmpty,
    RecordingNotAudio,
    RecordingReadOnce,
    RecordingTooSlow,
    RecordingTruncated,
    RecordingUnstable,
    RokuonError,
    SpoolUnusable,
)
from rokuon.domain.mpeg import Data
from rokuon.domain.ports import Body, Download, Source, Store
from rokuon.domain.retry import READ_APART_S
from rokuon.domain.sniff import DetectedFormat
from rokuon.domain.work import AsideObject, Proof, Work
from rokuon.runtime import spool

from .limits import MemoryBudget, TransferLimits

T = TypeVar("T")

CONTENT_TYPE = "audio/mpeg"
INLINE = 1 << 20
"""Bodies up to this size in bytes are hashed on the event loop (about 1 ms per MiB); longer ones in a thread."""


@dataclass(frozen=True, slots=True)
class ProvenAudio:
    """A body that is audio of the right length, or that a person accepted (then `facts` is None). `proof`: see `domain.work.Proof`."""

    body: Body
    facts: AudioFacts | None
    proof: Proof
    content_type: str = CONTENT_TYPE


@dataclass(frozen=True, slots=True)
class UnprovenAudio:
    """A body that may be audio, the reason why it is not proven, and its likely format. `cut`: only a part of it arrived. `lost`: it was
    read before, and the source does not have it any more."""

    body: Body
    error: RokuonError
    looks: DetectedFormat
    cut: bool = False
    lost: bool = False

    @property
    def read_sha256(self) -> str:
        """The hash of a body that was read now and completely, else "": two equal broken downloads do not show what the source has."""
        return "" if self.cut or self.lost else self.body.sha256


@asynccontextmanager
async def fetched_audio(
    work: Work, source: Source, limits: TransferLimits, memory: MemoryBudget, now_ms: int
) -> AsyncIterator[ProvenAudio | UnprovenAudio]:
    """Fetch the recording and prove that it is complete; memory and spool file are released at the end.

    Raises what `Source.open` raises; RecordingEmpty; RecordingReadOnce if it is too early for a second read; RecordingNotAudio,
    RecordingTruncated or RecordingTooSlow if the bytes cannot be audio.
    """
    untold = not work.duration_ms
    if untold and (early := work.history.until_apart_s(now_ms)):
        raise RecordingReadOnce(retry_after=early)
    async with AsyncExitStack() as resources:
        async with source.open(work.kind, work.recording_id, work.url) as download:
            body, cut = await take_in(download, limits, memory, resources)
            announced = download.length is not None
        reached("fetched")
        if cut is not None:
            yield await unproven(body, cut, cut=True)
            return
        if body.size == 0:
            raise RecordingEmpty
        try:
            facts = await look_into(body, audio.inspect)
            check_length(facts, work.duration_ms, work.call_ms)
            if facts.short_by and not announced:
                raise RecordingTruncated("ends inside a frame")
            if untold:
                _require_read_before(work, body, now_ms)
            elif not announced and await _read_again(work, source, limits) != body.sha256:
                raise RecordingUnstable
        except (
            RecordingNotAudio,
            RecordingTruncated,
            RecordingDamaged,
            RecordingDurationDiffers,
            RecordingUnstable,
            RecordingReadOnce,
        ) as error:
            yield await unproven(body, error)
            return
        reached("proven")
        yield ProvenAudio(body, facts, "read_apart" if untold else "length" if announced else "read_twice")


@asynccontextmanager
async def accepted_audio(aside: AsideObject, store: Store, limits: TransferLimits, memory: MemoryBudget) -> AsyncIterator[ProvenAudio]:
    """Read an object that was kept aside and that a person accepted, to store it as the recording.

    Raises what `Store.read` raises, and ObjectDiffers if the bytes are not those that were kept aside.
    """
    async with AsyncExitStack() as resources:
        body, _cut = await take_in(_Kept(aside, store), limits, memory, resources)
        if body.sha256 != aside.sha256:
            raise ObjectDiffers(f"{body.size} bytes that are not the {aside.size} that were kept aside")
        reached("fetched")
        yield ProvenAudio(body, None, "accepted", aside.content_type)


class _Kept:
    """An object that was kept aside, with the interface of a download."""

    def __init__(self, aside: AsideObject, store: Store) -> None:
        self.length: int | None = aside.size
        self.content_type = aside.content_type
        self._aside, self._store = aside, store

    async def chunks(self, limit: int) -> AsyncIterator[bytes]:
        done = 0
        async for chunk in self._store.read(self._aside.key):
            done += len(chunk)
            if done > self._aside.size:
                raise ObjectDiffers(f"more than the {self._aside.size} bytes that were kept aside")
            yield chunk


def _require_read_before(work: Work, body: Body, now_ms: int) -> None:
    """Require an equal earlier read, some time ago, because no length is listed. Raises RecordingUnstable or RecordingReadOnce."""
    before = work.history
    if before.read_apart(body.sha256, now_ms):
        return
    if before.read_sha256:
        raise RecordingUnstable
    raise RecordingReadOnce(retry_after=READ_APART_S)


async def unproven(body: Body, error: RokuonError, *, cut: bool = False, lost: bool = False) -> UnprovenAudio:
    """Return the body as possible audio. Raises the error if no part of it may be audio."""
    if not body.size or not (looks := await look_into(body, audio.looks)).may_be_audio:
        raise error
    return UnprovenAudio(body, error, looks, cut, lost)


async def take_in(
    download: Download, limits: TransferLimits, memory: MemoryBudget, resources: AsyncExitStack
) -> tuple[Body, RecordingTruncated | RecordingTooSlow | None]:
    """Return the body that arrived, and the error that ended the download early, if any."""
    if download.length is not None and download.length <= limits.small:
        await resources.enter_async_context(memory.reserve(download.length))
        arriving = _Arriving(download, limits.small)
        data = b"".join([piece async for piece in arriving.pieces()])
        body = _in_memory(data) if len(data) <= INLINE else await asyncio.to_thread(_in_memory, data)
        return body, arriving.cut
    try:
        file = resources.enter_context(spool.new_file(limits.spool))
        arriving = _Arriving(download, limits.largest)
        return await _to_file(arriving.pieces(), file), arriving.cut
    except OSError as error:
        raise SpoolUnusable(errno.errorcode.get(error.errno or 0, "")) from error


def _in_memory(data: bytes) -> Body:
    return Body(len(data), hashlib.sha256(data).hexdigest(), google_crc32c.value(data), data=data)


class _Arriving:
    """The pieces of a download. If an error ends it early, the error is in `cut`."""

    def __init__(self, download: Download, limit: int) -> None:
        self._download, self._limit = download, limit
        self.cut: RecordingTruncated | RecordingTooSlow | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._download.chunks(self._limit):
                yield piece
        except (RecordingTruncated, RecordingTooSlow) as error:
            self.cut = error


def body_of_file(path: Path) -> Body:
    """Return the file as a body with its checksums. Raises OSError."""
    size, crc, sha = 0, 0, hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(INLINE):
            size += len(chunk)
            crc = google_crc32c.extend(crc, chunk)
            sha.update(chunk)
    return Body(size, sha.hexdigest(), crc, path=path)


async def _to_file(pieces: AsyncIterator[bytes], file: FileIO) -> Body:
    size, crc, sha = 0, 0, hashlib.sha256()
    async for chunk in pieces:
        size += len(chunk)
        crc = google_crc32c.extend(crc, chunk)
        sha.update(chunk)
        await asyncio.to_thread(spool.write_all, file, chunk)
    return Body(size, sha.hexdigest(), crc, path=Path(str(file.name)))


async def look_into(body: Body, question: Callable[[Data], T]) -> T:
    if body.data is not None and body.size <= INLINE:
        return question(body.data)
    return await asyncio.to_thread(_look_into_long, body, question)


def _look_into_long(body: Body, question: Callable[[Data], T]) -> T:
    if body.path is None:
        return question(body.data or b"")
    try:
        with body.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return question(mapped)
    except OSError as error:
        raise SpoolUnusable(errno.errorcode.get(error.errno or 0, "")) from error


async def _read_again(work: Work, source: Source, limits: TransferLimits) -> str:
    sha = hashlib.sha256()
    async with source.open(work.kind, work.recording_id, work.url) as download:
        async for chunk in download.chunks(limits.largest):
            sha.update(chunk)
    return sha.hexdigest()
