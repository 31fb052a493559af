"""Write a table for a spreadsheet to a file or to standard output."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

STANDARD_OUTPUT = "-"


def write(path: str, lines: Iterable[str]) -> None:
    """Write the lines to the file, which is readable by its owner only and written completely or not at all; `-` is standard output."""
    if path == STANDARD_OUTPUT:
        # Names are in every script, whatever the terminal's encoding; a spreadsheet needs the line ends unchanged.
        for line in lines:
            sys.stdout.buffer.write(line.encode())
        sys.stdout.buffer.flush()
        return
    target, partial = Path(path), Path(f"{path}.partial")
    # It holds names of agents.
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.writelines(lines)
    partial.replace(target)
