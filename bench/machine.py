"""The machine of a run: its facts, its load, and the Debian packages that the peers need."""

import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

PEERS = ("rclone", "nginx")
_LIBRARIES = ("aiohttp", "gcloud-aio-storage", "procrastinate", "psycopg", "django", "google-crc32c")


def install_peers() -> None:
    """Install missing peers as root; otherwise raise SystemExit with the packages to install."""
    missing = [name for name in PEERS if shutil.which(name) is None]
    if not missing:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SystemExit(f"The benchmark needs {' and '.join(missing)}. Install them, on Debian with: {' '.join(command)}")
    subprocess.run(["apt-get", "update"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})


def load() -> float:
    return round(os.getloadavg()[0], 2)


def facts() -> dict[str, Any]:
    memory = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(int(memory[1]) / 2**20, 1) if memory else None,
        "system": platform.platform(),
        "python": sys.version.split()[0],
        "rclone": _said(["rclone", "version"], r"rclone (\S+)"),
        "nginx": _said(["nginx", "-v"], r"nginx/(\S+)"),
        **{name: version(name) for name in _LIBRARIES},
    }


def _said(command: list[str], pattern: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else "unknown"
