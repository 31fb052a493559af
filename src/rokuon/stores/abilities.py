"""Detects the abilities of a folder's disk by trying them, in the folder for unfinished files. It leaves no files behind."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from rokuon.domain.failures import FolderMayReplace, FolderNamesRefused, FolderNamesTooShort
from rokuon.domain.placement import LEAST_SEGMENT_BYTES, SEGMENT_BYTES

from .disk import give_name, sync, sync_folder

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_TOO_LONG = frozenset({errno.ENAMETOOLONG, errno.EINVAL})
_SAMPLE = "東京 が ．／：サ 辻\U000e0100 م 👩‍💻"
"""Letters of one to four bytes, as they occur in names of people and centers."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """The abilities of a disk. `longest_name` is in bytes of UTF-8, at most SEGMENT_BYTES. Without `links`, a file gets its name by a
    rename that replaces nothing. Without `syncs_folders`, the whole file system is synced for each. `folds_case`: "Sales" and "sales" are
    the same name."""

    links: bool
    syncs_folders: bool
    longest_name: int
    folds_case: bool


def find_out(folder: int) -> Abilities:
    """Try what the disk of `folder` (an open descriptor) can do. Raises FolderMayReplace, FolderCannotSync, FolderNamesTooShort,
    FolderNamesRefused, or OSError."""
    mark = secrets.token_hex(8)
    _takes_unicode(folder, f"{mark}.part {_SAMPLE}")
    longest = _longest_name(folder, mark)
    with _file(folder, f"{mark}.part") as fd:
        sync(fd)
        links = _names_once(folder, mark)
        return Abilities(links, sync_folder(folder), longest, _folds_case(folder, f"{mark}.Part"))


def _names_once(folder: int, mark: str) -> bool:
    """Whether a name is given by a hard link. A second file must not get the same name, which proves that nothing is replaced."""
    part, second, name = f"{mark}.part", f"{mark}.part2", f"{mark}.part3"
    try:
        with _file(folder, second):
            links = give_name(part, folder, name, folder)
            try:
                give_name(second, folder, name, folder)
            except FileExistsError:
                return links
        raise FolderMayReplace("a taken name was given once more")
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)


def _folds_case(folder: int, name: str) -> bool:
    with _file(folder, name):
        try:
            os.stat(name.swapcase(), dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True


def _longest_name(folder: int, mark: str) -> int:
    if _takes_length(folder, mark, SEGMENT_BYTES):
        return SEGMENT_BYTES
    if not _takes_length(folder, mark, LEAST_SEGMENT_BYTES):
        raise FolderNamesTooShort(f"{LEAST_SEGMENT_BYTES} bytes")
    fits, too_long = LEAST_SEGMENT_BYTES, SEGMENT_BYTES
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if _takes_length(folder, mark, middle):
            fits = middle
        else:
            too_long = middle
    return fits


def _takes_length(folder: int, mark: str, length: int) -> bool:
    try:
        with _file(folder, mark.ljust(length, "x")):
            return True
    except OSError as error:
        if error.errno in _TOO_LONG:
            return False
        raise


def _takes_unicode(folder: int, name: str) -> None:
    try:
        with _file(folder, name):
            return
    except OSError as error:
        if error.errno in (errno.EILSEQ, errno.EINVAL):
            raise FolderNamesRefused(errno.errorcode[error.errno]) from None
        raise


@contextmanager
def _file(folder: int, name: str) -> Iterator[int]:
    """Create a new file and always remove it; it may have got another name meanwhile."""
    fd = os.open(name, _NEW, 0o600, dir_fd=folder)
    try:
        yield fd
    finally:
        os.close(fd)
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
