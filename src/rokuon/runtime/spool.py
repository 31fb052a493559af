"""The folder for recordings too large for memory: private, and cleared of files that dead processes left."""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from rokuon.base.i18n import _
from rokuon.domain.failures import ConfigError


def prepare(folder: Path) -> None:
    """Make the folder, ensure that it is ours alone, and remove files that no living process has locked."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    info = folder.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid():
        raise ConfigError(
            _("The spool folder %(folder)s must be a folder that belongs to the user who runs Rokuon. Set ROKUON_SPOOL_DIR.")
            % {"folder": folder}
        )
    folder.chmod(0o700)
    for entry in folder.iterdir():
        if not entry.is_dir() or entry.is_symlink():
            _remove_unless_locked(entry)


@contextmanager
def new_file(folder: Path) -> Iterator[FileIO]:
    """Create a file, 0600, with a random name, locked and removed with the context; `name` is its path. Raises OSError.

    Nothing is buffered: on a full disk, closing the file would try to write the rest again, and fail once more. Leaving the context raises
    nothing: the file's content is no longer needed. A file of a killed process is not locked, and the next start removes it.
    """
    path = folder / f"{secrets.token_hex(16)}.part"
    file = FileIO(path, "x+", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW, 0o600))
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            file.close()


def write_all(file: FileIO, data: bytes) -> None:
    """Write all of the data: a disk that fills up accepts only a part at first. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) or 0 :]


def _remove_unless_locked(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    except OSError:  # a link: remove the link itself, not its target
        path.unlink(missing_ok=True)
        return
    try:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
