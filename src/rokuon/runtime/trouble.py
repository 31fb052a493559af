"""Why the embedded database is away, told from the process that looks after it to those that it forked, without the database or a disk."""

import mmap

_LENGTH = 64
# Shared with every process that is forked later. One reason code, padded with zeros.
_board = mmap.mmap(-1, _LENGTH)


def say(reason: str) -> None:
    """A reason code of `domain.failures`; empty where all is well."""
    _board[:] = reason.encode()[:_LENGTH].ljust(_LENGTH, b"\0")


def said() -> str:
    return bytes(_board[:]).rstrip(b"\0").decode()
