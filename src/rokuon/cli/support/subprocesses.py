"""Child programs that a command starts and that never outlive it: a worker, the simulator."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import IO

from rokuon.domain.failures import InternalFault, RokuonError, WorkerKilled
from rokuon.runtime import stopping

STOP_WITHIN_S = 25.0
TAIL_BYTES = 4000


class Child:
    """A program in its own session, so that Ctrl-C in the terminal reaches only the command, which then stops the program in order.

    Its standard error is kept for `said`. If the command is killed, the kernel stops the child (`runtime.die_with_parent`).
    """

    def __init__(self, command: Sequence[str], environment: dict[str, str] | None = None, *, keep_output: bool = False) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the child
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rokuon.runtime.die_with_parent", str(os.getpid()), *command],
            env={**os.environ, **(environment or {}), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if keep_output else subprocess.DEVNULL,
            stderr=self._errors,
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def said(self) -> str:
        """Return the end of its standard error."""
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - TAIL_BYTES))
        return self._errors.read().decode(errors="replace").strip()

    def why_it_ended(self) -> RokuonError:
        """Return the error to raise for a worker that ended too early."""
        code = self.process.poll() or 0
        return WorkerKilled(f"signal {-code}") if code < 0 else InternalFault(f"the worker ended with {code}")

    def stop(self, within: float = STOP_WITHIN_S) -> None:
        """Send SIGTERM, wait, then send SIGKILL to whatever remains of its session. A second Ctrl-C ends the wait."""
        try:
            self.process.terminate()
            self.process.wait(within)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            _kill_group(self.process.pid)
            self.process.wait()
        finally:
            _kill_group(self.process.pid)
            if self.process.stdout is not None:
                self.process.stdout.close()
            self._errors.close()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return  # no process of it is left


def rokuon(*arguments: str) -> list[str]:
    """Return the command line of another `rokuon` of this Python installation."""
    return [sys.executable, "-m", "rokuon", *arguments]


@contextmanager
def stoppable() -> Iterator[None]:
    """Within this context, SIGTERM and SIGHUP end the command as Ctrl-C does, so that everything it started is stopped, within 30 s.

    SIGINT is set explicitly, too: a shell that starts a command in the background makes it ignored.
    """

    def interrupt(signum: int, frame: FrameType | None) -> None:
        stopping.begin()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
