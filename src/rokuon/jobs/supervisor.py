"""Process supervisor of `rokuon worker` and `rokuon up`: restarts processes that die, and stops them all gracefully."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType

from rokuon.runtime import stopping

log = logging.getLogger(__name__)

STOP_WITHIN_S = 25.0
QUICK_DEATH_S = 10.0
MOST_DELAY_S = 8.0
"""When the database is available again, the workers run again within 15 s."""


@dataclass(frozen=True)
class Program:
    """A command and the number of its processes. `name` is for the log."""

    name: str
    command: Sequence[str]
    processes: int = 1


class Supervisor:
    """On SIGTERM, SIGINT or SIGHUP the supervisor stops the programs in their order: each process gets SIGTERM, all together have 25 s, and
    processes that remain are killed.

    A process that ends on its own is started again, after a pause that doubles (1 s to 8 s) while it keeps dying within 10 s. If the
    supervisor itself is killed, the kernel stops its processes (`runtime.die_with_parent`).
    """

    def __init__(self, *programs: Program) -> None:
        self._places = [[_Slot(program) for _ in range(program.processes)] for program in programs]
        self._stopping = False

    def run(self) -> int:
        """Run until a stop signal. Return 0 after a graceful stop; 1 if a process had to be killed."""
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, self._stop)
        while not self._stopping:
            for places in self._places:
                for place in places:
                    place.keep_running(time.monotonic())
            time.sleep(0.2)
        killed = False
        deadline = time.monotonic() + STOP_WITHIN_S
        for places in self._places:
            for place in places:
                place.terminate()
            for place in places:
                killed |= place.killed_by(deadline)
        return int(killed)

    def _stop(self, signum: int, frame: FrameType | None) -> None:
        stopping.begin()
        self._stopping = True


class _Slot:
    """One place for a process, and its restarts. Times are monotonic seconds."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._started = self._not_before = 0.0
        self._delay = 1.0

    def keep_running(self, now: float) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._delay = min(self._delay * 2, MOST_DELAY_S) if now - self._started < QUICK_DEATH_S else 1.0
            self._not_before = now + self._delay
            log.warning("process_ended", extra={**self._which(), "code": self._process.returncode, "again_in_s": self._delay})
            self._process = None
        if now >= self._not_before:
            # A session of its own: Ctrl-C in a terminal reaches only the supervisor, which then stops its processes in order.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rokuon.runtime.die_with_parent", str(os.getpid()), *self._program.command], start_new_session=True
            )
            self._started = now
            log.info("process_started", extra=self._which())

    def _which(self) -> dict[str, object]:
        return {"program": self._program.name, "pid": self._process.pid if self._process else 0}

    def terminate(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def killed_by(self, deadline: float) -> bool:
        """Wait for the process until `deadline`. Return True if it had to be killed."""
        if self._process is None:
            return False
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return True
        return False
