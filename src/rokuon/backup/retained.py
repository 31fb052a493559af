"""Retain unproven audio on this machine until the next read: if the source has lost the recording by then, this audio is kept aside.

The files are named by their content, so that every process of the machine finds them, also after a restart. Total size and age are
limited; the oldest file is removed first. If this machine never had the audio, or the disk was full, it cannot be kept aside; a log line
says so.
"""

import asyncio
import errno
import logging
import shutil
import time
from contextlib import suppress
from pathlib import Path

from rokuon.domain.failures import RecordingGone, RecordingNotReady, RokuonError
from rokuon.domain.ports import Body
from rokuon.domain.work import Work
from rokuon.runtime import spool

from .fetch import UnprovenAudio, body_of_file, unproven

log = logging.getLogger(__name__)

FOLDER = "retained"
"""Inside the spool folder."""
MOST_BYTES = 1 << 30
LEFT_FREE = 256 << 20
"""The spool needs room for what is downloaded now."""
LONGEST_S = 3 * 86_400
"""The sum of the waits between two reads of a recording is less than this, unless there is a hold between them."""

_PIECE = 1 << 20

LOST = (RecordingNotReady, RecordingGone)


async def retain(folder: Path, audio: UnprovenAudio) -> None:
    """Retain audio that was read completely, in a folder inside the spool `folder`. Raises nothing: the result of the try is the same."""
    if not audio.read_sha256:
        return
    try:
        await asyncio.to_thread(_write, folder / FOLDER, audio.body)
    except OSError as error:
        log.warning("not_retained", extra={"size": audio.body.size, "error": type(error).__name__})


async def lost(folder: Path, work: Work, error: RokuonError) -> UnprovenAudio | None:
    """Return the retained audio of a recording that the source no longer has; None for another error, or if this machine retained
    nothing."""
    path = _path(folder, work.history.read_sha256)
    if not isinstance(error, LOST) or path is None:
        return None
    try:
        body = await asyncio.to_thread(body_of_file, path)
    except OSError:
        log.warning("lost_and_not_retained", extra={"copy": work.copy_id, "reason": error.reason})
        return None
    if body.sha256 != work.history.read_sha256:
        log.warning("retained_is_damaged", extra={"copy": work.copy_id, "size": body.size})
        return None
    return await unproven(body, error, lost=True)


async def drop(folder: Path, sha256: str) -> None:
    """Remove retained audio, because it is in the bucket now, or because a new read differed from it."""
    path = _path(folder, sha256)
    if path is not None:
        await asyncio.to_thread(path.unlink, missing_ok=True)


def _path(folder: Path, sha256: str) -> Path | None:
    return folder / FOLDER / sha256 if sha256 else None


def _write(folder: Path, body: Body) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    _make_room(folder, body.size)
    path = folder / body.sha256
    if path.exists():
        return
    if body.size > MOST_BYTES or shutil.disk_usage(folder).free - body.size < LEFT_FREE:
        raise OSError(errno.ENOSPC, "no room to retain it")
    with spool.new_file(folder) as file:
        if body.path is None:
            spool.write_all(file, body.data or b"")
        else:
            with body.path.open("rb") as source:
                while data := source.read(_PIECE):
                    spool.write_all(file, data)
        Path(str(file.name)).replace(path)


def _make_room(folder: Path, size: int) -> None:
    found = []
    for path in folder.iterdir():
        # Another process may remove a file at the same time.
        with suppress(FileNotFoundError):
            info = path.stat()
            found.append((info.st_mtime, info.st_size, path))
    left = sum(length for _at, length, _file in found) + size
    gone = 0
    for at, length, path in sorted(found):
        if left <= MOST_BYTES and time.time() - at <= LONGEST_S:
            break
        path.unlink(missing_ok=True)
        left, gone = left - length, gone + 1
    if gone:
        log.info("retained_no_longer", extra={"recordings": gone})
