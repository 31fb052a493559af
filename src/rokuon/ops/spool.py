"""The folder for recordings too large for memory: private, and emptied of what dead processes left."""

import fcntl
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from rokuon.domain.failures import ConfigError
from rokuon.ops.i18n import _


def prepare(folder: Path) -> None:
    """The folder exists, is ours alone, and holds only files that a living process has locked."""
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


def new_file(folder: Path) -> BinaryIO:
    """A new file, 0600, of a random name, locked as long as it is open. Whoever made it removes it; the next start does otherwise."""
    path = folder / f"{secrets.token_hex(16)}.part"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return os.fdopen(descriptor, "w+b")


def _remove_unless_locked(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    except OSError:  # a link: it is removed itself, what it points to is left alone
        path.unlink(missing_ok=True)
        return
    try:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)
