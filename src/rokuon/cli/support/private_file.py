"""Write a file that only its owner may read, completely or not at all."""

import os
from collections.abc import Iterable
from pathlib import Path


def write(path: str, pieces: Iterable[bytes]) -> None:
    """Write the pieces to the file; one that exists is replaced at the end. It may hold names of people."""
    target, partial = Path(path), Path(f"{path}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.writelines(pieces)
    partial.replace(target)
