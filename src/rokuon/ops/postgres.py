"""The embedded PostgreSQL: started by the first process of an installation that needs it, stopped by the last.

Two lock files in the data folder decide, because the kernel drops a lock however a process ends:

    postgres.use      held shared by every process that uses the database
    postgres.start    held while somebody starts, joins, leaves or stops

Who leaves tries for `postgres.use` alone; who gets it is the last, and stops the server. After a kill -9 the server may run on
without users; the next process finds it by its socket, joins it, and stops it in the end.
"""

import atexit
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg import pq

from rokuon.domain.failures import ConfigError
from rokuon.ops import cluster as clusters
from rokuon.ops import pg_programs
from rokuon.ops.i18n import _

# What must not be lost in a power cut hangs on these.
DURABLE = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
PATIENCE = 600.0
DAY = 86400


class Server:
    """This process's share in a running server."""

    def __init__(self, cluster: clusters.Cluster, users: int) -> None:
        self._cluster = cluster
        self._users: int | None = users
        self._process = os.getpid()
        atexit.register(self.close)

    @property
    def dsn(self) -> str:
        return self._cluster.dsn

    def close(self) -> None:
        """Gives up the share and stops the server if it was the last. Harmless when repeated, and in a forked child."""
        if self._users is None or self._process != os.getpid():
            return
        with _starting(self._cluster.data_dir, lambda: None):
            users, self._users = self._users, None
            atexit.unregister(self.close)
            _leave(self._cluster, users)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def ensure_running(
    data_dir: Path, *, on_wait: Callable[[float], None] = lambda seconds: None, patience: float = PATIENCE, durable: bool = True
) -> Server:
    """Joins the installation's server, starting it if need be. Never creates a cluster.

    `on_wait` is called about every second with the seconds waited, for example during crash recovery. When it raises, or the
    person gives up with Ctrl-C, this process's share is given back first. `durable=False` is for throw-away test databases.
    """
    cluster = clusters.open_cluster(data_dir)
    wait = _Wait(on_wait, patience, cluster)
    with _starting(data_dir, wait.tick):
        users = _open_lock(data_dir / "postgres.use")
        try:
            alone = _try_lock(users, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            _bring_up(cluster, wait, alone=alone, durable=durable)
            if durable:
                _require_durable(cluster)
        except BaseException:
            time.sleep(0.5)  # a server that was just begun shows its pid file by then, and can be stopped
            _leave(cluster, users)
            raise
    return Server(cluster, users)


def stop(data_dir: Path) -> None:
    """Stops the server whoever uses it; nothing happens when it does not run."""
    _shut_down(clusters.open_cluster(data_dir))


class _Wait:
    def __init__(self, on_wait: Callable[[float], None], patience: float, cluster: clusters.Cluster) -> None:
        self._on_wait = on_wait
        self._patience = patience
        self._cluster = cluster
        self._since = time.monotonic()

    def tick(self) -> None:
        waited = time.monotonic() - self._since
        if waited > self._patience:
            raise ConfigError(
                _("The database in %(folder)s was not ready within %(seconds)d seconds. Look into its folder `log`, and start again.")
                % {"folder": self._cluster.folder, "seconds": self._patience}
            )
        self._on_wait(waited)

    def sleep(self, seconds: float) -> None:
        self.tick()
        time.sleep(seconds)


def _bring_up(cluster: clusters.Cluster, wait: _Wait, *, alone: bool, durable: bool) -> None:
    before: dict[Path, int] = {}
    started = False
    while True:
        answer = pq.PGconn.ping(f"{cluster.dsn}&connect_timeout=10".encode())
        if answer == pq.Ping.OK:
            return
        if answer == pq.Ping.REJECT:  # starting up, recovering, or shutting down
            wait.sleep(0.2)
            continue
        if started:  # it came up and died again
            raise clusters.failure_of(_logged_since(cluster, before), cluster.folder)
        clusters.write_runtime_files(cluster, cluster.folder, durable=durable)
        clusters.prepare_socket_dir(cluster)
        _require_undamaged(cluster, wait)
        log = cluster.folder / "startup.log"
        log.unlink(missing_ok=True)
        before = _log_sizes(cluster)
        outcome = pg_programs.run_waiting(
            cluster.owner, "pg_ctl", "start", "-w", "-t", "86400", "-s", "-D", str(cluster.folder), "-l", str(log), on_wait=wait.tick
        )
        if outcome.code == 0:
            started = True  # pg_ctl is content with a server that still restores from an archive; the ping is not
            continue
        said = outcome.output + _logged_since(cluster, before)
        if "postmaster.pid" not in said and "pre-existing shared memory" not in said:
            raise clusters.failure_of(said, cluster.folder)
        # Somebody else's server is coming up or going down, or the pid in the file now belongs to another program.
        if alone and not pg_programs.runs_postgres(_postmaster_pid(cluster), cluster.folder):
            (cluster.folder / "postmaster.pid").unlink(missing_ok=True)
        wait.sleep(0.5)


def _require_undamaged(cluster: clusters.Cluster, wait: _Wait) -> None:
    """Reads every page's checksum once a day, when the server is started. After a crash recovery comes first: another day."""
    checked = cluster.folder / "rokuon.checked"
    if checked.exists() and 0 <= time.time() - checked.stat().st_mtime < DAY:
        return
    outcome = pg_programs.run_waiting(cluster.owner, "pg_checksums", "--check", "-D", str(cluster.folder), on_wait=wait.tick)
    if "checksum verification failed" in outcome.output:
        raise clusters.failure_of(outcome.output, cluster.folder)
    if outcome.code == 0:
        clusters.write_owned(checked, "", cluster.owner)


def _require_durable(cluster: clusters.Cluster) -> None:
    with psycopg.connect(cluster.dsn, connect_timeout=30) as connection:
        for name in DURABLE:
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            if row is None or row[0] != "on":
                raise ConfigError(
                    _("The database setting %(name)s is off, so a power cut could lose verified recordings. Set it to on in %(file)s.")
                    % {"name": name, "file": cluster.folder / "postgresql.conf"}
                )


def _leave(cluster: clusters.Cluster, users: int) -> None:
    """Gives the share back. The caller holds `postgres.start`, so that nobody joins what is about to stop."""
    try:
        if _try_lock(users, fcntl.LOCK_EX):
            _shut_down(cluster)
    finally:
        os.close(users)


def _shut_down(cluster: clusters.Cluster) -> None:
    pid = _postmaster_pid(cluster)
    if not pg_programs.runs_postgres(pid, cluster.folder):
        return
    for mode in ("fast", "immediate"):  # immediate loses nothing acknowledged; the next start recovers
        outcome = pg_programs.run(cluster.owner, "pg_ctl", "stop", "-w", "-t", "60", "-s", "-m", mode, "-D", str(cluster.folder))
        if outcome.code == 0 or not pg_programs.runs_postgres(pid, cluster.folder):
            clusters.remove_socket_dir(cluster)
            return
    raise ConfigError(
        _("The database in %(folder)s could not be stopped: %(said)s") % {"folder": cluster.folder, "said": outcome.output.strip()}
    )


def _postmaster_pid(cluster: clusters.Cluster) -> int | None:
    try:
        return int((cluster.folder / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _log_sizes(cluster: clusters.Cluster) -> dict[Path, int]:
    return {path: path.stat().st_size for path in (cluster.folder / "startup.log", *cluster.folder.glob("log/*.log")) if path.exists()}


def _logged_since(cluster: clusters.Cluster, before: dict[Path, int]) -> str:
    said = []
    for path, size in _log_sizes(cluster).items():
        with path.open(errors="replace") as file:
            file.seek(max(before.get(path, 0), size - 8000))
            said.append(file.read())
    return "\n".join(said)


@contextmanager
def _starting(data_dir: Path, tick: Callable[[], None]) -> Iterator[None]:
    with ExitStack() as stack:
        lock = _open_lock(data_dir / "postgres.start")
        stack.callback(os.close, lock)
        while not _try_lock(lock, fcntl.LOCK_EX):
            tick()
            time.sleep(0.05)
        yield


def _open_lock(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise ConfigError(
            _("The lock file %(path)s is missing. Restore it as an empty file, with the owner of its folder.") % {"path": path}
        ) from None


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
