"""Named points at which a test kills the process, to prove that a crash at any time is safe. Without `arm` they do nothing."""

import os
import signal

COPYING = ("placed", "fetched", "proven", "stored", "verified", "recorded")
SEALING = ("custody_written", "custody_intended", "custody_sealed", "custody_entered")
POINTS = COPYING + SEALING

_point = ""
_left = 0


def parse(spec: str) -> tuple[str, int]:
    """Parse a point and a count: `stored:3` is the third time that `stored` is reached. Raises ValueError for anything else."""
    point, _, count = spec.partition(":")
    if point not in POINTS or not count.isdecimal() or int(count) < 1:
        raise ValueError(spec)
    return point, int(count)


def arm(spec: str) -> None:
    """Make the process die at this point from now on; an empty spec disarms."""
    global _point, _left
    _point, _left = parse(spec) if spec else ("", 0)


def reached(point: str) -> None:
    """Report that the work has reached this point. An armed point sends SIGKILL, because a crash runs no handler and flushes nothing."""
    global _left
    if point != _point:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
