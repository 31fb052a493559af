"""CRC32C (Castagnoli) over memory, over an open file, and in the spelling that Google uses."""

import base64
import os

import google_crc32c

# Small enough that the allocator hands out the same block again: 0.07 ms for 240 KiB against 0.16 ms in one piece.
_PIECE = 128 * 1024


def crc32c(data: bytes, before: int = 0) -> int:
    """Of `data`, continuing from the value of what came before it."""
    return int(google_crc32c.extend(before, data))


def of_file(fd: int) -> tuple[int, int]:
    """Size and CRC32C of what an open file holds, read from its start; the file's own position is left alone."""
    size = checksum = 0
    while piece := os.pread(fd, _PIECE, size):
        checksum = crc32c(piece, checksum)
        size += len(piece)
    return size, checksum


def to_base64(value: int) -> str:
    return base64.b64encode(value.to_bytes(4, "big")).decode()


def from_base64(text: str) -> int:
    """Raises ValueError for anything but the four bytes of a checksum."""
    value = base64.b64decode(text, validate=True)
    if len(value) != 4:
        raise ValueError("crc32c")
    return int.from_bytes(value, "big")
