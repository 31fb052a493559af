"""Real worker processes that tests kill and stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

QUICK = str(Path(__file__).with_name("quick_worker.py"))
PATIENCE_S = 40.0


class Worker:
    """One worker process. It is killed at the end of the context if it still runs. `said` is its whole log."""

    def __init__(self, environment: Mapping[str, str], folder: Path, crash_at: str = "", command: tuple[str, ...] = (QUICK,)) -> None:
        folder.mkdir(exist_ok=True)
        self._log = folder / f"worker-{time.monotonic_ns()}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                env={**os.environ, **environment, **({"ROKUON_CRASH_AT": crash_at} if crash_at else {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def terminate(self) -> float:
        """Send SIGTERM and return the seconds until the process ended."""
        began = time.monotonic()
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        return time.monotonic() - began

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def dies(self) -> int:
        """Wait until the process ends by itself; return its exit status."""
        return self.process.wait(PATIENCE_S)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.resume()
            self.kill()


def until(condition: Callable[[], bool], what: str, patience: float = PATIENCE_S, *workers: Worker) -> float:
    """Wait for a condition and return the seconds that it took. On failure, show the logs of the workers."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > patience:
            raise AssertionError(f"not within {patience} s: {what}\n" + "\n".join(worker.said[-3000:] for worker in workers))
        time.sleep(0.03)
    return time.monotonic() - began
