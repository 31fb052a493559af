"""Stream recordings from their buckets as one zip file, stored and not compressed, in bounded memory.

Each recording is read completely and compared with its SHA-256 in the ledger before it enters the zip, so no file in it is cut short or
changed. What cannot be read is not left out silently: the zip's last file, a table, has a line for every recording that was asked for.
"""

import hashlib
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from zipstream import ZIP_STORED, ZipStream

from rokuon.base import csv_text
from rokuon.domain.failures import BucketUnusable, ConfigError, ObjectDiffers, RokuonError
from rokuon.ledger.models import Copy
from rokuon.runtime.installation import Installation
from rokuon.wiring import playback
from rokuon.wiring.playback import PIECE, Heard

log = logging.getLogger(__name__)

LIST = "recordings.csv"
IN_MEMORY = 4 * 1024 * 1024
"""A recording of up to this size is held in memory, a longer one in a temporary file."""
_ROOT = "call-recordings/"


@dataclass(frozen=True, slots=True)
class Zipped:
    """What became of a recording: `name` is its file in the zip, "" if it is not in it because of `error`."""

    copy: Copy
    name: str
    error: RokuonError | None = None


Headings = Sequence[str]
RowOf = Callable[[Zipped], Sequence[object]]


def stream(installation: Installation, copies: Sequence[Copy], headings: Headings, row_of: RowOf) -> Iterator[bytes]:
    """Yield the zip of these verified copies, in their order."""
    archive = ZipStream(compress_type=ZIP_STORED)
    taken: set[str] = {LIST}
    done: list[Zipped] = []
    for copy in copies:
        heard = playback.recording(copy)
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(_spool(installation))) as body:
            try:
                _read(installation, heard, body)
            except RokuonError as error:
                log.warning("zip_leaves_out", extra={"copy": copy.pk, "reason": error.reason})
                done.append(Zipped(copy, "", error))
                continue
            name = free_name(heard, taken)
            body.seek(0)
            archive.add(iter(lambda body=body: body.read(PIECE), b""), name, size=heard.size)  # type: ignore[misc]
            yield from archive.file()
            done.append(Zipped(copy, name))
    archive.add("".join(csv_text.lines(headings, (row_of(one) for one in done))), LIST)
    yield from archive.finalize()


def _read(installation: Installation, heard: Heard, body: IO[bytes]) -> None:
    """Read the whole object. Raises StoreError, also if it is not the one that was verified."""
    digest = hashlib.sha256()
    try:
        for piece in playback.pieces(installation, heard):
            digest.update(piece)
            body.write(piece)
    except ConfigError as error:
        raise BucketUnusable("its address or credential is not accepted by this installation") from error
    if digest.hexdigest() != heard.sha256:
        raise ObjectDiffers("its SHA-256 is another one")


def free_name(heard: Heard, taken: set[str]) -> str:
    """Return the name of a recording in the zip: its path below call-recordings/. Two buckets may have the same path."""
    folder = PurePosixPath(heard.key.removeprefix(_ROOT)).parent
    stem, dot, kind = heard.name.rpartition(".")
    name, number = f"{folder}/{heard.name}", 1
    while name in taken:
        number += 1
        name = f"{folder}/{stem} ({number}){dot}{kind}"
    taken.add(name)
    return name


def _spool(installation: Installation) -> Path:
    folder: Path = installation.config.spool_dir
    folder.mkdir(parents=True, exist_ok=True)
    return folder
