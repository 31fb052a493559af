"""`rokuon worker`: keeps worker processes running, restarts one that dies, and stops them gracefully."""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

log = logging.getLogger(__name__)

STOP_WITHIN_S = 30.0
QUICK_DEATH_S = 10.0
MOST_DELAY_S = 30.0


class Supervisor:
    """Runs `processes` copies of a command. On SIGTERM or SIGINT each gets SIGTERM and 30 s; what remains is killed.

    A process that ends by itself is started again, after a pause that doubles (1 s to 30 s) while it keeps dying within 10 s.
    """

    def __init__(self, command: Sequence[str], processes: int) -> None:
        self._places = [_Place(command) for _ in range(processes)]
        self._stopping = False

    def run(self) -> int:
        """Returns 0 after a stop that was asked for; 1 if a process had to be killed."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._stop)
        while not self._stopping:
            for place in self._places:
                place.keep_running(time.monotonic())
            time.sleep(0.2)
        for place in self._places:
            place.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        killed = [place.killed_by(deadline) for place in self._places]
        return int(any(killed))

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        self._stopping = True


class _Place:
    """One process after another. Times are monotonic seconds."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = self._not_before = 0.0
        self._delay = 1.0

    def keep_running(self, now: float) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._delay = min(self._delay * 2, MOST_DELAY_S) if now - self._started < QUICK_DEATH_S else 1.0
            self._not_before = now + self._delay
            log.warning("worker_ended", extra={"pid": self._process.pid, "code": self._process.returncode, "again_in_s": self._delay})
            self._process = None
        if now >= self._not_before:
            # A session of its own: Ctrl-C in a terminal reaches the supervisor alone, which then stops its workers in order.
            self._process = subprocess.Popen(self._command, start_new_session=True)
            self._started = now
            log.info("worker_started", extra={"pid": self._process.pid})

    def terminate(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def killed_by(self, deadline: float) -> bool:
        """Wait for the process until then; True if it had to be killed."""
        if self._process is None:
            return False
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return True
        return False


def worker_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "rokuon", "worker", "--one", *arguments]
