"""Discard output that nobody reads any more, and let the command continue: `rokuon backup-now | head -3` backs up everything."""

import io
import os
import sys
from typing import Any, TextIO


class _Unread(io.FileIO):
    """A standard stream. Once its reader is gone, it discards what is written to it."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return memoryview(data).nbytes


def outlive_readers() -> None:
    """Let this process continue when a reader goes away: from now on neither standard output nor standard error raises BrokenPipeError."""
    sys.stdout, sys.stderr = _lasting(sys.stdout), _lasting(sys.stderr)


def _lasting(stream: TextIO) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper) or isinstance(getattr(stream.buffer, "raw", None), _Unread):
        return stream
    stream.flush()
    raw = _Unread(stream.fileno(), "wb", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stream.encoding, errors=stream.errors, line_buffering=stream.line_buffering, write_through=True
    )
