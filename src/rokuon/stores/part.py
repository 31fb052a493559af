"""Temporary file of an object: it is written, synced and read back before it gets the object's name."""

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from rokuon.domain.failures import ChecksumRefused
from rokuon.domain.ports import Body

from . import checksums

_PIECE = 1024 * 1024
_MODE = 0o640
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Abandoned(Exception):
    """The caller stopped waiting before the object got its name."""


@dataclass(frozen=True, slots=True)
class New:
    """An object to create, unless the event `abandoned` is set meanwhile."""

    key: str
    body: Body
    abandoned: threading.Event


@contextmanager
def new_part(parts: int) -> Iterator[tuple[str, int]]:
    """Open a temporary file with a unique name; it is always removed."""
    part = f"{secrets.token_hex(8)}.part"
    fd = os.open(part, _NEW, _MODE, dir_fd=parts)
    try:
        yield part, fd
    finally:
        os.close(fd)
        with suppress(FileNotFoundError):
            os.unlink(part, dir_fd=parts)


def write(fd: int, new: New) -> None:
    for piece in _pieces(new.body):
        if new.abandoned.is_set():
            raise Abandoned
        _write_all(fd, piece)


def check(fd: int, body: Body) -> None:
    size, checksum = checksums.of_file(fd)
    if (size, checksum) != (body.size, body.crc32c):
        raise ChecksumRefused(f"{size} bytes of {body.size}")


def _pieces(body: Body) -> Iterator[bytes]:
    """Yield the body. If it is longer than announced, yield only one byte more, which is enough to detect it."""
    if body.data is not None:
        yield body.data
        return
    try:
        with (body.path or Path()).open("rb", buffering=0) as source:
            left = body.size + 1
            while left > 0 and (piece := source.read(min(_PIECE, left))):
                left -= len(piece)
                yield piece
    except OSError as error:
        # A problem of the spool, not of the bucket.
        raise ChecksumRefused("the spool file cannot be read") from error


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
