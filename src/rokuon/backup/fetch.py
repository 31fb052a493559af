"""From the source to proven audio: fetched, then proven (ARCHITECTURE.md).

What leaves here is an audio file of the right length, or an exception of `domain.failures` that says why not.
"""

import asyncio
import errno
import hashlib
import mmap
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from rokuon.domain import audio
from rokuon.domain.crashpoints import reached
from rokuon.domain.failures import RecordingEmpty, RecordingUnstable, SpoolUnusable
from rokuon.domain.ports import Body, Download, Source
from rokuon.domain.work import Proof, Work
from rokuon.ops import spool

from .limits import Limits, MemoryBudget

INLINE = 1 << 20
"""Bodies up to so many bytes are hashed on the event loop (about 1 ms per MiB); longer ones in a thread."""


@dataclass(frozen=True, slots=True)
class ProvenAudio:
    """A body that is audio of the listed length. `proof` is "read_twice" where the source announced no length to hold it to."""

    body: Body
    audio_ms: int
    proof: Proof


@asynccontextmanager
async def proven_audio(work: Work, source: Source, limits: Limits, memory: MemoryBudget) -> AsyncIterator[ProvenAudio]:
    """Fetch the recording and prove that it is whole; memory and spool file are given back at the end.

    Raises what `Source.open` and `domain.audio.inspect` raise, RecordingEmpty, RecordingUnstable.
    """
    async with AsyncExitStack() as resources:
        async with source.open(work.kind, work.recording_id, work.url) as download:
            body = await _take_in(download, limits, memory, resources)
            announced = download.length is not None
        reached("fetched")
        if body.size == 0:
            raise RecordingEmpty
        facts = await _inspect(body)
        audio.check_duration(facts.duration_ms, work.duration_ms)
        if not announced and await _read_again(work, source, limits) != body.sha256:
            raise RecordingUnstable
        reached("proven")
        yield ProvenAudio(body, facts.duration_ms, "length" if announced else "read_twice")


async def _take_in(download: Download, limits: Limits, memory: MemoryBudget, resources: AsyncExitStack) -> Body:
    if download.length is not None and download.length <= limits.small:
        await resources.enter_async_context(memory.hold(download.length))
        data = await download.read(limits.small)
        if len(data) <= INLINE:
            return _in_memory(data)
        return await asyncio.to_thread(_in_memory, data)
    try:
        file = resources.enter_context(spool.new_file(limits.spool))
        return await _to_file(download, limits.largest, file)
    except OSError as error:
        raise SpoolUnusable(errno.errorcode.get(error.errno or 0, "")) from error


def _in_memory(data: bytes) -> Body:
    return Body(len(data), hashlib.sha256(data).hexdigest(), google_crc32c.value(data), data=data)


async def _to_file(download: Download, largest: int, file: BinaryIO) -> Body:
    size, crc, sha = 0, 0, hashlib.sha256()
    async for chunk in download.chunks(largest):
        size += len(chunk)
        crc = google_crc32c.extend(crc, chunk)
        sha.update(chunk)
        await asyncio.to_thread(file.write, chunk)
    await asyncio.to_thread(file.flush)
    return Body(size, sha.hexdigest(), crc, path=Path(file.name))


async def _inspect(body: Body) -> audio.AudioFacts:
    if body.data is not None and body.size <= INLINE:
        return audio.inspect(body.data)
    return await asyncio.to_thread(_inspect_long, body)


def _inspect_long(body: Body) -> audio.AudioFacts:
    if body.path is None:
        return audio.inspect(body.data or b"")
    with body.path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return audio.inspect(mapped)


async def _read_again(work: Work, source: Source, limits: Limits) -> str:
    sha = hashlib.sha256()
    async with source.open(work.kind, work.recording_id, work.url) as download:
        async for chunk in download.chunks(limits.largest):
            sha.update(chunk)
    return sha.hexdigest()
