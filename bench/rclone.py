"""rclone as a peer: the same files from the same nginx, to the same kind of destination."""

import os
import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ran:
    seconds: float
    cpu: float


def command(*arguments: str) -> Ran:
    """Run rclone until it ends. Raises RuntimeError with its output if it fails."""
    # Its own configuration, no proxy, no certificate bundle of this machine, because each of these has changed results before.
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = subprocess.run(["rclone", "--config", "/dev/null", *arguments], env=keep, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"rclone {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-1500:]}")
    return Ran(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def copy(url: str, target: str, transfers: int, options: Sequence[str] = ()) -> Ran:
    return command("copy", "--http-url", url, ":http:", target, "--transfers", str(transfers), "--checkers", str(transfers), *options)


def hash_of(target: str, listing: Path, transfers: int, options: Sequence[str] = ()) -> Ran:
    """Compute the SHA-256 of every object from its bytes."""
    return command("hashsum", "sha256", target, "--output-file", str(listing), "--checkers", str(transfers), *options)


def flush(target: Path) -> float:
    """Return the seconds until the copied files are on the disk; rclone does not wait for this."""
    began = time.monotonic()
    subprocess.run(["sync", "--file-system", str(target)], check=True)
    return time.monotonic() - began
