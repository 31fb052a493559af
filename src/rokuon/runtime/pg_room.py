"""Check the room for the embedded database, before a program of PostgreSQL fails half-way for lack of it."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rokuon.base.i18n import _
from rokuon.domain.failures import DatabaseFull

MIB = 1024 * 1024
TO_MAKE = 160 * MIB
"""A new database takes 40 MiB, and soon keeps 128 MiB of its log."""

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - PostgreSQL's choice
SHARED_TO_START = 4 * MIB

LOG_SEGMENT = 16 * MIB
"""PostgreSQL extends its write-ahead log by files of this size."""

FULL = (errno.ENOSPC, errno.EDQUOT)


def require_disk(data_dir: Path) -> None:
    """Raises DatabaseFull if the disk has less room than a new database needs."""
    free = _free(data_dir)
    if free < TO_MAKE:
        raise DatabaseFull(
            _(
                "There is no space left for the database: the disk of %(folder)s has %(free)d MiB free, and a new database needs "
                "%(needed)d MiB. Free some space and start again."
            )
            % {"folder": data_dir, "free": free // MIB, "needed": TO_MAKE // MIB}
        )


def require_shared_memory(folder: Path = SHARED_MEMORY) -> None:
    """Raises DatabaseFull if the shared memory has less room than a start needs."""
    if folder.is_dir() and (free := _free(folder)) < SHARED_TO_START:
        raise DatabaseFull(
            _(
                "There is not enough shared memory for the database: %(folder)s has %(free)d MiB free, and the database needs %(needed)d "
                "MiB. Make it larger: in a container with --shm-size=256m."
            )
            % {"folder": folder, "free": free // MIB, "needed": SHARED_TO_START // MIB}
        )


@contextmanager
def full_disk_named(folder: Path) -> Iterator[None]:
    """Raises DatabaseFull where the disk of the database has no room for one of our own small files."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise full(folder) from error


def require_words(output: str, folder: Path) -> None:
    """Raises DatabaseFull if a program failed without output on a disk that is full: its log has no room either."""
    if not output.strip() and _free(folder) < LOG_SEGMENT:
        raise full(folder)


def full(folder: Path) -> DatabaseFull:
    """Return the error for a disk that a started database has filled, or others have."""
    return DatabaseFull(_("There is no space left for the database in %(folder)s. Free some space and start again.") % {"folder": folder})


def _free(folder: Path) -> int:
    """Return the bytes that an ordinary user may still write there."""
    told = os.statvfs(folder)
    return told.f_bavail * told.f_frsize
