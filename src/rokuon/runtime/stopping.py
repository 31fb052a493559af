"""Ensure that a process that was asked to stop ends within 30 s, whatever service is away.

The orderly steps come first: finish, return work, leave the database. Each limits itself by `seconds_left`; what takes longer is cut off.
"""

import logging
import os
import sys
import threading
import time

log = logging.getLogger(__name__)

END_WITHIN_S = 28.0

_asked_at: float | None = None


def begin(code: int = 1) -> None:
    """Start the countdown to the end of the process. If it has not ended in time, end it with this code. Harmless when repeated."""
    global _asked_at
    if _asked_at is None:
        _asked_at = time.monotonic()
        threading.Thread(target=_cut_off, args=(code, os.getpid()), name="stopping", daemon=True).start()


def seconds_left(otherwise: float) -> float:
    """Return the seconds until the process must have ended; `otherwise` if nobody has asked it to stop."""
    if _asked_at is None:
        return otherwise
    return max(0.0, min(otherwise, _asked_at + END_WITHIN_S - time.monotonic() - 1.0))


def _cut_off(code: int, pid: int) -> None:
    time.sleep(END_WITHIN_S)
    if os.getpid() == pid:
        log.error("stop_took_too_long", extra={"seconds": END_WITHIN_S})
        sys.stderr.flush()
        os._exit(code)
