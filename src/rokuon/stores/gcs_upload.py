"""Resumable upload of a large body in pieces: memory is bounded, and a broken connection costs only the piece in flight.

The library's own resumable upload sends the whole file in one request and restarts from the first byte, so Rokuon has its own loop.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rokuon.domain.failures import ChecksumRefused, StoreError, StoreRequestRefused, StoreThrottled, StoreUnavailable
from rokuon.domain.ports import Body, Sleep

# A multiple of 256 KiB, as Google requires. 32 concurrent uploads hold 128 MiB.
CHUNK = 4 * 1024 * 1024
_FAILURES_IN_A_ROW = 5
_LONGEST_WAIT_S = 32.0
_REFUSALS = (ChecksumRefused, StoreRequestRefused)


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """Google's answer to a piece: how many bytes it has stored, and the object's resource once it has all of them."""

    kept: int
    resource: Mapping[str, Any] | None = None


# Sends one piece with a Content-Range. Without bytes, it asks how many bytes Google has.
SendPiece = Callable[[bytes, str], Awaitable[UploadProgress]]


async def upload(body: Body, send: SendPiece, sleep: Sleep) -> Mapping[str, Any]:
    """Upload a body and return the object's resource. Raises StoreUnavailable or StoreThrottled after five failures in a row without
    progress, ChecksumRefused or StoreRequestRefused if Google does not accept the bytes."""
    at = furthest = failures = 0
    doubt: StoreError | None = None
    while True:
        # After an error the piece, and with it the whole object, may have arrived, so ask before sending anything again.
        piece = b"" if doubt else await read_piece(body, at, CHUNK)
        span = "*" if doubt else f"{at}-{at + len(piece) - 1}"
        try:
            progress = await send(piece, f"bytes {span}/{body.size}")
        except (StoreUnavailable, StoreThrottled) as failure:
            failures += 1
            if failures > _FAILURES_IN_A_ROW:
                raise
            await sleep(min(failure.retry_after or 0.5 * 2**failures, _LONGEST_WAIT_S))
            doubt = doubt or failure
            continue
        except _REFUSALS as failure:
            if doubt:
                raise
            # Google also refuses a piece that it already has: aiohttp automatically repeats a PUT when a connection breaks.
            doubt = failure
            continue
        if progress.resource is not None:
            return progress.resource
        if isinstance(doubt, _REFUSALS) and not at < progress.kept < body.size:
            raise doubt
        failures = 0 if progress.kept > furthest else failures + (doubt is None)
        if failures > _FAILURES_IN_A_ROW or not 0 <= progress.kept < body.size:
            raise StoreUnavailable("the upload does not advance")
        at, furthest, doubt = progress.kept, max(furthest, progress.kept), None


async def read_piece(body: Body, start: int, limit: int) -> bytes:
    """Read a piece from memory or the spool file. Raises ChecksumRefused if the body does not have `body.size` bytes."""
    if body.data is not None:
        piece, size = body.data[start : start + limit], len(body.data)
    else:
        piece, size = await asyncio.to_thread(_read_file, body.path or Path(), start, limit)
    if size != body.size or len(piece) != min(limit, body.size - start):
        raise ChecksumRefused(f"{size} bytes of {body.size}")
    return piece


def _read_file(path: Path, start: int, limit: int) -> tuple[bytes, int]:
    try:
        with path.open("rb", buffering=0) as source:
            return os.pread(source.fileno(), limit, start), os.fstat(source.fileno()).st_size
    except OSError as error:
        raise ChecksumRefused("the spool file cannot be read") from error
