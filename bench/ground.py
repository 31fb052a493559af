"""Environment that all rows of one run share: the folder, one installation with its worker processes, and the quick option."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import machine, sink
from .processes import free_port
from .rokuon_side import Rokuon

WORKERS = 2


@dataclass
class Ground:
    """The shared environment. `folder` is deleted only at the end, because deleting files slows the disk down for the next runs."""

    root: Path
    folder: Path
    stack: ExitStack
    rokuon: Rokuon
    sink: sink.Sink
    web_port: int
    quick: bool
    loads: list[float] = field(default_factory=list)
    _names: int = 0

    def fresh(self, name: str) -> str:
        """Return an unused name. Prints it with the time and the load, so that a person can follow a long run."""
        self._names += 1
        self.loads.append(machine.load())
        print(f"{time.strftime('%H:%M:%S')} {name} {self._names}, load {self.loads[-1]}", file=sys.stderr, flush=True)
        return f"{name}-{self._names}"


@contextmanager
def opened(root: Path, *, quick: bool) -> Iterator[Ground]:
    """Open the environment. Closing it ends every started process, also on Ctrl-C."""
    root.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=root))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o711)  # the database and nginx may run as other users
        port = free_port()
        os.environ["STORAGE_EMULATOR_HOST"] = f"http://127.0.0.1:{port}"
        web_port = free_port()
        os.environ["ROKUON_LISTEN"] = f"127.0.0.1:{web_port}"  # the workers tell the simulated Dialpad to send its events there
        gcs = sink.start_process(stack, folder, port)
        rokuon = Rokuon(folder / "installation", stack)
        stack.enter_context(rokuon.workers(WORKERS))
        yield Ground(root, folder, stack, rokuon, gcs, web_port, quick)
