"""The embedded PostgreSQL: started by the first process of an installation that needs it, stopped by the last.

Two lock files in the data folder coordinate this, because the kernel drops a lock however a process ends:

    postgres.use      held shared by every process that uses the database
    postgres.start    held while a process starts, joins, leaves or stops the server

A leaving process tries to lock `postgres.use` exclusively; if it succeeds, it is the last, and stops the server. The folder's own lock
(`folder_lock`), which the server's keeper holds (`postgres_keeper`), prevents a second server on the same folder from another machine,
container or path.

After a kill -9 of its users the server runs on for seconds; the next process finds it by its socket and joins it.
"""

import atexit
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg import pq

from rokuon.base.i18n import _
from rokuon.domain.failures import ConfigError, DatabaseUnusable

from . import cluster as clusters
from . import folder_lock, pg_programs, pg_room, pg_words, postgres_keeper, stopping

# Settings that protect data in a power cut.
DURABLE = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
PATIENCE = 600.0
DAY = 86400
STOP_WITHIN_S = 60.0
KEEPER_FOLLOWS_S = 5.0
ANSWER_WITHIN_S = 10
UNANSWERED_S, ORPHANED_S = 10.0, 3.0
"""How long a server that reports to be ready may leave its socket unanswered, and how long its processes may run on without it."""


class RunningServer:
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
        """Release the share and stop the server if it was the last. Harmless when repeated, and in a forked child."""
        if self._users is None or self._process != os.getpid():
            return
        with _starting(self._cluster.data_dir, lambda: None):
            users, self._users = self._users, None
            atexit.unregister(self.close)
            _leave(self._cluster, users)

    def __enter__(self) -> "RunningServer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def ensure_running(
    data_dir: Path, *, on_wait: Callable[[float], None] = lambda seconds: None, patience: float = PATIENCE, durable: bool = True
) -> RunningServer:
    """Join the installation's server, and start it if needed. Never creates a cluster.

    Calls `on_wait` about every second with the seconds waited, for example during crash recovery. If that raises, or the person presses
    Ctrl-C, this process's share is released first. `durable=False` is for throw-away test databases.
    """
    cluster = clusters.open_cluster(data_dir)
    wait = _Wait(on_wait, patience, cluster)
    with _starting(data_dir, wait.tick):
        users = _open_lock(data_dir / "postgres.use")
        try:
            fcntl.flock(users, fcntl.LOCK_SH)
            _bring_up(cluster, wait, durable=durable)
        except BaseException:
            _leave(cluster, users)
            raise
    return RunningServer(cluster, users)


def start_again(data_dir: Path, on_wait: Callable[[float], None]) -> None:
    """Start a server that does not answer, unless another process does or it recovers automatically. The caller has a share in it."""
    cluster = clusters.open_cluster(data_dir)
    wait = _Wait(on_wait, float("inf"), cluster)
    with _starting(data_dir, wait.tick):
        _bring_up(cluster, wait, durable=True)


def answers(data_dir: Path) -> bool:
    """Whether the server of this data folder answers, within ANSWER_WITHIN_S."""
    return _ping(clusters.dsn(data_dir)) == pq.Ping.OK


def stop(data_dir: Path) -> None:
    """Stop the server even if it is in use. Does nothing if it does not run."""
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
            raise DatabaseUnusable(
                _("The database in %(folder)s was not ready within %(seconds)d seconds. Look into its folder `log`, and start again.")
                % {"folder": self._cluster.folder, "seconds": self._patience}
            )
        self._on_wait(waited)

    def sleep(self, seconds: float) -> None:
        self.tick()
        time.sleep(seconds)


def _ping(dsn: str) -> pq.Ping:
    """Return what the server answers within ANSWER_WITHIN_S. Only a refused connection is asked about with libpq's own ping, which needs a
    moment then: it holds the interpreter's lock, so a server that does not answer would stop all threads of this process."""
    try:
        psycopg.connect(dsn, connect_timeout=ANSWER_WITHIN_S).close()
    except psycopg.errors.ConnectionTimeout:
        return pq.Ping.NO_RESPONSE
    except psycopg.OperationalError:
        return pq.Ping(pq.PGconn.ping(f"{dsn}&connect_timeout=2".encode()))
    return pq.Ping.OK


def _bring_up(cluster: clusters.Cluster, wait: _Wait, *, durable: bool) -> None:
    """Return when the server answers and keeps its data durable. Raises DatabaseUnusable if it answers and admits nobody.

    A server may die between an answer and the next question: then it is started like any other that does not answer.
    """
    refused_since: float | None = None
    while True:
        with pg_room.full_disk_named(cluster.folder):
            _await_answer(cluster, wait, durable=durable)
        try:
            if durable:
                _require_durable(cluster)
        except psycopg.OperationalError as error:
            refused_since = refused_since or time.monotonic()
            if time.monotonic() - refused_since > UNANSWERED_S:
                raise DatabaseUnusable(
                    _("The database in %(folder)s runs and refuses every connection: %(said)s")
                    % {"folder": cluster.folder, "said": str(error).strip()}
                ) from error
            wait.sleep(0.2)
        else:
            return


def _await_answer(cluster: clusters.Cluster, wait: _Wait, *, durable: bool) -> None:
    """Return when the server answers. Starts it only with the folder's lock."""
    blocked = _Blocked(cluster)
    while (answer := _ping(cluster.dsn)) != pq.Ping.OK:
        if answer == pq.Ping.REJECT:  # starting up, recovering, or shutting down
            wait.sleep(0.2)
        elif (lock := folder_lock.take(cluster.folder)) is None:
            blocked.look()
            wait.sleep(0.1)
        else:
            try:
                if pg_programs.runs_postgres(_postmaster_pid(cluster), cluster.folder):  # started by hand, without the lock
                    blocked.look()
                    wait.sleep(0.5)
                    continue
                folder_lock.require_nobody_elsewhere(cluster.folder, wait.sleep)
                _start(cluster, lock, wait, durable=durable)
            finally:
                os.close(lock)


class _Blocked:
    """Decides whether to wait: another process has the folder's lock, and no socket answers."""

    def __init__(self, cluster: clusters.Cluster) -> None:
        self._cluster = cluster
        self._since = self._ready_since = time.monotonic()

    def look(self) -> None:
        """Raises DatabaseHeldElsewhere if waiting cannot help. Kills what is left of a server whose first process was killed."""
        now, folder = time.monotonic(), self._cluster.folder
        pid = _postmaster_pid(self._cluster)
        holder = folder_lock.Holder.of(folder)
        if holder is not None and holder.place.another_kernel and now - self._since > UNANSWERED_S:
            raise folder_lock.held_by_another_machine(folder, holder)
        if holder is not None and holder.place.another_namespace and now - self._since > UNANSWERED_S:
            raise folder_lock.held_by_another_container(folder, holder)
        if not self._says_ready():
            self._ready_since = now
        if pid is not None and pg_programs.runs_postgres(pid, folder):
            if now - self._ready_since > UNANSWERED_S:
                raise folder_lock.held_out_of_sight(folder, pid)
            self._since = now
        elif holder is not None and postgres_keeper.runs(holder.pid):  # it is just starting, or ending
            self._since = now
        elif now - self._since > ORPHANED_S:
            pg_programs.end_orphans(folder)

    def _says_ready(self) -> bool:
        try:
            lines = (self._cluster.folder / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"


_keepers: list["subprocess.Popen[bytes]"] = []
"""Keepers that this process started: polled from time to time, so that an ended one leaves the process table."""


def _start(cluster: clusters.Cluster, lock: int, wait: _Wait, *, durable: bool) -> None:
    """Start the server and return when it answers. The caller holds the folder's lock. Raises the cause if the server dies."""
    pg_room.require_shared_memory()
    clusters.write_runtime_files(cluster, cluster.folder, durable=durable)
    clusters.prepare_socket_dir(cluster)
    clusters.clear_traces(cluster)
    _require_undamaged(cluster, wait)
    log = cluster.folder / "startup.log"
    log.unlink(missing_ok=True)
    before = _log_sizes(cluster)
    keeper = subprocess.Popen(
        [sys.executable, "-m", "rokuon.runtime.postgres_keeper", str(cluster.data_dir), str(lock)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # The terminal's Ctrl-C goes to our process group; the server stops when Rokuon decides so.
        start_new_session=True,
        pass_fds=(lock,),
    )
    _keepers[:] = [*(other for other in _keepers if other.poll() is None), keeper]
    try:
        while _ping(cluster.dsn) != pq.Ping.OK:
            if keeper.poll() is not None:
                said = _logged_since(cluster, before)
                pg_room.require_words(said, cluster.folder)
                raise pg_words.failure_of(said, cluster.folder)
            wait.sleep(0.1)
    except BaseException:
        keeper.terminate()
        keeper.wait()
        raise


def _require_undamaged(cluster: clusters.Cluster, wait: _Wait) -> None:
    """Check every page's checksum once a day, when the server starts. After a crash, recovery has priority: the check waits a day."""
    checked = cluster.folder / "rokuon.checked"
    if checked.exists() and 0 <= time.time() - checked.stat().st_mtime < DAY:
        return
    where = pg_programs.folder_for(cluster.owner, cluster.folder)
    outcome = pg_programs.run(cluster.owner, "pg_checksums", "--check", "-D", where, folder=cluster.folder, on_wait=wait.tick)
    if "checksum verification failed" in outcome.output:
        raise pg_words.failure_of(outcome.output, cluster.folder)
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
    """Release the share. The caller holds `postgres.start`, so that no process joins a server that is about to stop."""
    try:
        if _try_lock(users, fcntl.LOCK_EX):
            _shut_down(cluster)
    finally:
        os.close(users)


def _shut_down(cluster: clusters.Cluster) -> None:
    pid = _postmaster_pid(cluster)
    if not pg_programs.runs_postgres(pid, cluster.folder):
        return
    where = pg_programs.folder_for(cluster.owner, cluster.folder)
    for mode in ("fast", "immediate"):  # immediate loses nothing acknowledged; the next start recovers
        within = f"{max(1, stopping.seconds_left(STOP_WITHIN_S)):.0f}"
        outcome = pg_programs.run(cluster.owner, "pg_ctl", "stop", "-w", "-t", within, "-s", "-m", mode, "-D", where, folder=cluster.folder)
        if outcome.code == 0 or not pg_programs.runs_postgres(pid, cluster.folder):
            _wait_for_the_keeper(cluster.folder)
            return
    raise DatabaseUnusable(
        _("The database in %(folder)s could not be stopped: %(said)s") % {"folder": cluster.folder, "said": outcome.output.strip()}
    )


def _wait_for_the_keeper(folder: Path) -> None:
    """Wait until the keeper has ended, a moment after the server; then nothing of the server is left in the folder."""
    until = time.monotonic() + KEEPER_FOLLOWS_S
    while (lock := folder_lock.take(folder)) is None and time.monotonic() < until:
        time.sleep(0.02)
    if lock is not None:
        os.close(lock)
    _keepers[:] = [keeper for keeper in _keepers if keeper.poll() is None]


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
