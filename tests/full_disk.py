"""A small disk, and one without a free byte, for tests and `tools/kill_table.py`."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAY_MOUNT = subprocess.run(["unshare", "--mount", "--propagation", "slave", "true"], capture_output=True, check=False).returncode == 0


@contextmanager
def small(folder: Path) -> Iterator[Path]:
    """A disk of 300 MiB on this folder, which others may pass through."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m,mode=0711", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """No byte is free there, also where something is removed meanwhile."""
    there_is_room = threading.Event()

    def fill() -> None:
        with (disk / "filler").open("wb", buffering=0) as file:
            while not there_is_room.is_set():
                try:
                    file.write(b"\0" * 4096)
                except OSError:
                    there_is_room.wait(0.05)

    filler = threading.Thread(target=fill)
    filler.start()
    try:
        while os.statvfs(disk).f_bavail:
            time.sleep(0.1)
        yield
    finally:
        there_is_room.set()
        filler.join()
        (disk / "filler").unlink()
