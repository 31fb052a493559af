"""Write a file that only its owner may read, completely or not at all."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rokuon.base.i18n import _
from rokuon.domain.failures import ConfigError


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """Open the file to write; one that exists is replaced at the end, and only if no error was raised. It may hold names of people. Raises
    ConfigError for what is not a file, and OSError."""
    target = Path(path)
    if path == "-":
        raise ConfigError(_("Name a file: only a table (--csv) can be written to standard output."))
    if target.exists() and not target.is_file():
        raise ConfigError(_("%(path)s is not a file that can be replaced. Name another one.") % {"path": path})
    # A name of its own: two commands may write the same file, and a file that is there already may be open to others.
    try:
        descriptor, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".partial", dir=target.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    partial.replace(target)


def write(path: str, pieces: Iterable[bytes]) -> None:
    """Write the pieces to the file, as `opened` does."""
    with opened(path) as file:
        file.writelines(pieces)
