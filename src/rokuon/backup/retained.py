"""What was read and is not proven yet, on this machine until the next read: if the source has lost it by then, it is kept aside.

Kept in files named by their content, so that it is there for every process of the machine and outlives each of them. Bounded in bytes and
in time: the oldest goes first. A machine that never had it, or a disk that took nothing, has nothing to keep aside; that is logged.
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
"""The waits between two reads of a recording add up to less, unless a hold comes between them."""

_PIECE = 1 << 20

LOST = (RecordingNotReady, RecordingGone)


async def retain(folder: Path, audio: UnprovenAudio) -> None:
    """Retain what was read to its end, in a folder inside of the spool `folder`. Raises nothing: the try ends as it would have."""
    if not audio.read_sha256:
        return
    try:
        await asyncio.to_thread(_write, folder / FOLDER, audio.body)
    except OSError as error:
        log.warning("not_retained", extra={"size": audio.body.size, "error": type(error).__name__})


async def lost(folder: Path, work: Work, error: RokuonError) -> UnprovenAudio | None:
    """What this machine has of a recording of which the source says that it is not there; None for another error, or where it has
    nothing of it."""
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
    """It is in the bucket, or was read anew and differs."""
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
        # Another process may take one away at the same moment.
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
