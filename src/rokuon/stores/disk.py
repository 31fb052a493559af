"""Disk operations of a folder store: sync files and folders, and give a file a name only if no other file has it.

Not every file system can do both in the usual way. FAT, many network shares and encrypted folders have no hard links; there, a rename that
replaces nothing does the same. Some file systems cannot sync a folder; there, the whole file system is synced.
"""

import ctypes
import errno
import os
import sys
from contextlib import suppress

from rokuon.domain.failures import FolderCannotSync, FolderMayReplace

_NOT_OFFERED = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOTTY})
"""Error numbers of an operation that the file system, or the kernel, does not support."""
_NO_LINKS = _NOT_OFFERED | {errno.EPERM, errno.EXDEV, errno.EMLINK}
"""The same for a hard link: Linux answers EPERM on a file system without hard links."""

_LIBC = ctypes.CDLL(None, use_errno=True)

if sys.platform == "darwin":
    import fcntl

    _RENAME, _REPLACE_NOTHING = "renameatx_np", 4

    def sync(fd: int) -> None:
        """Wait until the disk has the file. On macOS, fsync alone leaves the bytes in the drive's cache; a network disk supports only
        fsync."""
        try:
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        except OSError as error:
            if error.errno not in _NOT_OFFERED:
                raise
            _fsync(fd)

else:
    _RENAME, _REPLACE_NOTHING = "renameat2", 1

    def sync(fd: int) -> None:
        """Wait until the disk has the file. Raises FolderCannotSync if the disk cannot confirm it."""
        _fsync(fd)


def _fsync(fd: int) -> None:
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno in _NOT_OFFERED:
            raise FolderCannotSync(_name(error)) from None
        raise


def sync_folder(fd: int) -> bool:
    """Wait until the disk has the folder's names. Return False if the disk cannot sync a single folder and the whole file system was
    synced."""
    try:
        sync(fd)
    except FolderCannotSync:
        _sync_file_system(fd)
        return False
    return True


def _sync_file_system(fd: int) -> None:
    call = getattr(_LIBC, "syncfs", None)
    if call is None:
        os.sync()
    elif call(fd) != 0:
        number = ctypes.get_errno()
        if number in _NOT_OFFERED:
            raise FolderCannotSync(errno.errorcode.get(number, str(number)))
        raise OSError(number, os.strerror(number))


def give_name(part: str, parts: int, name: str, parent: int) -> bool:
    """Give the file `part` of the folder `parts` its name in the folder `parent`. Return False if the file was renamed, because the file
    system has no hard links: then it is no longer in `parts`.

    Raises FileExistsError if the name is taken by anything, and FolderMayReplace if the file system has no operation that is sure to
    replace nothing."""
    try:
        os.link(part, name, src_dir_fd=parts, dst_dir_fd=parent, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        _rename_new(part, parts, name, parent, _name(error))
        return False
    return True


def _rename_new(part: str, parts: int, name: str, parent: int, refused: str) -> None:
    call = getattr(_LIBC, _RENAME, None)
    if call is None:
        raise FolderMayReplace(f"link {refused}, no {_RENAME}")
    if call(parts, os.fsencode(part), parent, os.fsencode(name), _REPLACE_NOTHING) != 0:
        number = ctypes.get_errno()
        if number in _NOT_OFFERED:
            raise FolderMayReplace(f"link {refused}, {_RENAME} {errno.errorcode.get(number, number)}")
        raise OSError(number, os.strerror(number))
    # On a disk without a journal, a leftover entry in the other folder could refer to the same bytes, and removing it would free them.
    with suppress(FolderCannotSync):
        sync_folder(parts)


def _name(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, str(error.errno))
