"""Kills what `rokuon up` is made of, again and again, and writes how long it took to be ready again: `make kills`

Each time counts from the kill (or, for a service that is killed as a whole, from its next start; for a full disk, from when there is room)
until `/readyz` answers 200, and until a worker gives its next sign of life. Needs Linux; namespaces and the small disk need root.
"""

import argparse
import http.client
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from tests.full_disk import filled

from rokuon.runtime import cluster, folder_lock

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "design" / "kills.md"
PATIENCE_S = 60.0
WORKER = "a worker"
CONTAINER = ["unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]


class Service:
    """One `rokuon up` with an embedded database in its own folder."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self._environment = {
            **os.environ,
            "ROKUON_DATA_DIR": str(self.data),
            "ROKUON_LISTEN": f"127.0.0.1:{self._port}",
            "PYTHONPATH": str(ROOT / "src"),
        }
        self.process: subprocess.Popen[bytes] | None = None
        subprocess.run(self._command("init"), env=self._environment, stdout=subprocess.DEVNULL, check=True)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "rokuon", *arguments]

    def start(self, *, contained: bool = False) -> None:
        with (self.data.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*(CONTAINER if contained else []), *self._command("up")], env=self._environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(60)

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def works_since(self, moment: float) -> bool:
        """Whether a worker has given a sign of life after the moment (seconds since 1970)."""
        try:
            with psycopg.connect(cluster.dsn(self.data), connect_timeout=5) as connection:
                row = connection.execute("SELECT extract(epoch FROM max(last_heartbeat)) FROM procrastinate_workers").fetchone()
        except psycopg.Error:
            return False
        return bool(row and row[0] and row[0] > moment)

    def postmaster(self) -> int:
        return int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])

    def keeper(self) -> int:
        holder = folder_lock.Holder.of(self.data / "postgres")
        assert holder is not None
        return holder.pid

    def child(self, word: str) -> int:
        """Return the pid of a process that `rokuon up` started, by a word of its command line."""
        assert self.process is not None
        listed = subprocess.run(["ps", "--ppid", str(self.process.pid), "-o", "pid=,args="], capture_output=True, text=True, check=True)
        return next(int(line.split()[0]) for line in listed.stdout.splitlines() if word in line.split())


@dataclass
class Row:
    what: str
    ready: list[float] = field(default_factory=list)
    working: list[float] = field(default_factory=list)
    never: int = 0

    def measure(self, service: Service, since: float) -> None:
        """Measure from the moment (seconds since 1970) until the service works again."""
        ready = _until(service.is_ready, since)
        working = _until(lambda: service.works_since(since), since)
        if ready is None or working is None:
            self.never += 1
        else:
            self.ready.append(ready)
            self.working.append(working)

    def line(self) -> str:
        times = len(self.ready) + self.never
        return f"| {self.what} | {times} | {_spread(self.ready)} | {_spread(self.working)} | {self.never} |"


def _until(happened: Callable[[], bool], since: float) -> float | None:
    while time.time() - since < PATIENCE_S:
        if happened():
            return time.time() - since
        time.sleep(0.1)
    return None


def _spread(seconds: list[float]) -> str:
    return f"{min(seconds):.1f} / {statistics.median(seconds):.1f} / {max(seconds):.1f} s" if seconds else "-"


def parts_killed(service: Service, times: int) -> Iterator[Row]:
    """Kill single processes of a running service."""
    victims: dict[str, Callable[[], list[int]]] = {
        "the server's first process (postmaster)": lambda: [service.postmaster()],
        "the server's keeper": lambda: [service.keeper()],
        "both at once": lambda: [service.keeper(), service.postmaster()],
        WORKER: lambda: [service.child("worker")],
        "the console": lambda: [service.child("serve")],
    }
    service.start()
    _require(_until(service.is_ready, time.time()))
    for what, pids in victims.items():
        row = Row(what)
        for _ in range(times):
            _require(_until(lambda: service.works_since(time.time() - 6), time.time()))
            for pid in pids():
                os.kill(pid, signal.SIGKILL)
            killed = time.time()
            if what != WORKER:
                _until(lambda: not service.is_ready(), killed)
            row.measure(service, killed)
        yield row
    service.stop()


def whole_killed(service: Service, times: int, *, contained: bool, checked: bool) -> Row:
    """Kill the service with all its processes, as a container runtime does, or only its first process; then start it again."""
    row = Row(
        f"a container, each time in a fresh PID namespace, {'checked today' if checked else 'with the page check'}"
        if contained
        else "`rokuon up`"
    )
    service.start(contained=contained)
    _require(_until(service.is_ready, time.time()))
    for _ in range(times):
        service.kill()
        if not checked:
            (service.data / "postgres" / "rokuon.checked").unlink(missing_ok=True)
        _until(lambda: not service.is_ready(), time.time())
        started = time.time()
        service.start(contained=contained)
        row.measure(service, started)
    service.kill() if contained else service.stop()
    return row


def disk_full(times: int) -> Row:
    row = Row("the postmaster, on a full disk, until there is room")
    with _folder(small_disk=True) as folder:
        service = Service(folder)
        service.start()
        _require(_until(service.is_ready, time.time()))
        for _ in range(times):
            with filled(folder):
                os.kill(service.postmaster(), signal.SIGKILL)
                time.sleep(15)
                if service.is_ready():
                    sys.exit("The disk was not full.")
            row.measure(service, time.time())
        service.stop()
    return row


def _require(happened: float | None) -> None:
    if happened is None:
        sys.exit("The service did not become ready. Its log is in the temporary folder.")


@contextmanager
def _folder(*, small_disk: bool = False) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="rokuon-kills-", dir="/tmp"))
    folder.chmod(0o711)
    if small_disk:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m,mode=0711", "tmpfs", folder], check=True)
    yield folder
    if small_disk:
        subprocess.run(["umount", "--lazy", folder], check=True)
    shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--times", type=int, default=10, help="kills of each kind")
    arguments.add_argument("--containers", type=int, default=20, help="hard kills of whole containers")
    given = arguments.parse_args()
    rows = []
    with _folder() as folder:
        service = Service(folder)
        rows += parts_killed(service, given.times)
        rows.append(whole_killed(service, given.times, contained=False, checked=True))
        for checked in (True, False):
            rows.append(whole_killed(service, given.containers // 2, contained=True, checked=checked))
    rows.append(disk_full(max(1, given.times // 3)))
    head, _mark, _old = TABLE.read_text().partition("| Killed ")
    lines = ["| Killed | times | ready again | working again | never |", "|---|---|---|---|---|", *(row.line() for row in rows)]
    TABLE.write_text(head + "\n".join(lines) + "\n")
    print("\n".join(lines))
    return int(any(row.never for row in rows))


if __name__ == "__main__":
    sys.exit(main())
