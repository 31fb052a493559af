"""Write a file that only its owner may read, completely or not at all."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """Open the file to write; one that exists is replaced at the end, and only if no error was raised. It may hold names of people."""
    target = Path(path)
    # A name of its own: two commands may write the same file, and a file that is there already may be open to others.
    descriptor, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".partial", dir=target.parent)
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
