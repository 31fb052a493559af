"""Why the embedded database is away: shared by the process that guards it with the processes it forked, without the database or a disk."""

import mmap

_LENGTH = 64
# Shared with every process that is forked later. One reason code, padded with zeros.
_board = mmap.mmap(-1, _LENGTH)


def say(reason: str) -> None:
    """Publish a reason code of `domain.failures`; empty if all is well."""
    _board[:] = reason.encode()[:_LENGTH].ljust(_LENGTH, b"\0")


def said() -> str:
    return bytes(_board[:]).rstrip(b"\0").decode()
