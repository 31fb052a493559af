"""Write a file that only its owner may read, completely or not at all."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """Open the file to write; one that exists is replaced at the end, and only if no error was raised. It may hold names of people."""
    target, partial = Path(path), Path(f"{path}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
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
