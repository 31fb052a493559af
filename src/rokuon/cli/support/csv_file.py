"""Write a table for a spreadsheet to a file or to standard output."""

import sys
from collections.abc import Iterable

from . import private_file

STANDARD_OUTPUT = "-"


def write(path: str, lines: Iterable[str]) -> None:
    """Write the lines to the file, which is readable by its owner only and written completely or not at all; `-` is standard output."""
    if path == STANDARD_OUTPUT:
        # Names are in every script, whatever the terminal's encoding; a spreadsheet needs the line ends unchanged.
        for line in lines:
            sys.stdout.buffer.write(line.encode())
        sys.stdout.buffer.flush()
        return
    private_file.write(path, (line.encode() for line in lines))
