"""Keep one server of the embedded database while processes use it: `python -m rokuon.runtime.postgres_keeper DATA_DIR LOCK`

The keeper is the server's parent. It holds the folder's lock, which it and the server inherit as the descriptor LOCK, writes into the
folder where the server runs, and gives a sign of life every few seconds. It ends with the server, and the kernel ends the server with it
(Linux). SIGTERM stops the server, and so does the end of its last user, however that user ended.
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from . import cluster as clusters
from . import folder_lock, pg_programs

PR_SET_PDEATHSIG = 1
UNUSED_BEATS = 3
"""After this many heartbeats in a row without a user the server ends: its starter takes a share before the first of them."""


def runs(pid: int) -> bool:
    """Whether the process is a living keeper, if the system tells (Linux)."""
    try:
        return __name__.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def main() -> int:
    data_dir, lock = Path(sys.argv[1]), int(sys.argv[2])
    cluster = clusters.open_cluster(data_dir)
    holder = folder_lock.Holder(folder_lock.ProcessLocation.here(), os.getpid())
    clusters.write_owned(cluster.folder / folder_lock.HOLDER, holder.text(), cluster.owner)
    server = _start(cluster, lock)

    def stop(signum: int, frame: FrameType | None) -> None:
        server.send_signal(signal.SIGINT)  # a fast shutdown: open transactions are rolled back, acknowledged ones stay

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        return _keep(cluster, server)
    finally:
        (cluster.folder / folder_lock.HOLDER).unlink(missing_ok=True)


def _start(cluster: clusters.Cluster, lock: int) -> "subprocess.Popen[bytes]":
    where = pg_programs.folder_for(cluster.owner, cluster.folder)
    # Opened before the switch to the owner: the folder is theirs, and a link that they placed there must not be followed.
    output = os.open(cluster.folder / "startup.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        os.fchown(output, cluster.owner.uid, cluster.owner.gid)
        return pg_programs.popen(
            cluster.owner,
            [str(pg_programs.program_for(cluster.owner, "postgres")), "-D", where],
            cluster.folder,
            output=output,
            pass_fds=(lock,),
            at_start=_end_with_parent if sys.platform == "linux" else None,
        )
    finally:
        os.close(output)


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)


def _keep(cluster: clusters.Cluster, server: "subprocess.Popen[bytes]") -> int:
    """Wait until the server has ended; return its exit code."""
    unused = 0
    while True:
        try:
            return server.wait(folder_lock.BEAT_EVERY_S)
        except subprocess.TimeoutExpired:
            folder_lock.beat(cluster.folder)
        starting = os.open(cluster.data_dir / "postgres.start", os.O_RDWR | os.O_CLOEXEC)
        users = os.open(cluster.data_dir / "postgres.use", os.O_RDWR | os.O_CLOEXEC)
        try:
            unused = unused + 1 if _free(starting) and _free(users) else 0
            if unused >= UNUSED_BEATS:
                server.send_signal(signal.SIGINT)  # with both locks: no process joins a server that is about to end
                return server.wait()
        finally:
            os.close(users)
            os.close(starting)


def _free(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
