"""Processes of a benchmark: each starts in its own session, the benchmark waits until it is ready, and always stops it at the end."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

READY_WITHIN_S = 30.0
END_WITHIN_S = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(
    stack: ExitStack, command: Sequence[str], log: Path, *, port: int | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process that ends with the stack. With `port`, return when the port is open. Raises RuntimeError with its log."""
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, start_new_session=True)
    stack.callback(end, process)
    deadline = time.monotonic() + READY_WITHIN_S
    while port is not None and not _listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{command[0]} did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.05)
    return process


def ask_to_end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Send SIGTERM to several processes, so that they end at the same time; the end of the stack waits for each."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)


def end(process: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM, and SIGKILL if the process does not end."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_seconds(pid: int) -> float:
    """Return user and system time of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / _TICKS


def tree_cpu_seconds(pid: int) -> float:
    """Return the same, including the children that still run."""
    total = cpu_seconds(pid)
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            total += tree_cpu_seconds(int(child))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0
