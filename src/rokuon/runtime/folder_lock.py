"""The lock of a database folder: only its holder may run a server on the folder, from any path, container or machine.

The lock is an flock on the cluster's `PG_VERSION`, a file that every cluster has. The server inherits it, so that the kernel keeps it until
the server's last process has ended, whatever path, container or mount the next server uses.

Machines may share a disk and not see each other's locks. So `rokuon.holder` beside it names the place where the server runs, and its
modification time is a heartbeat: a process that finds a holder of another boot or machine watches it for a while before it takes it for
dead.
"""

import errno
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rokuon.base.i18n import _
from rokuon.domain.failures import DatabaseHeldElsewhere, DatabaseLockRefused

LOCKED = "PG_VERSION"
HOLDER = "rokuon.holder"
BEAT_EVERY_S = 3.0
WATCH_FOR_S = 10.0
"""A bit more than three heartbeats: how long to watch a holder of another boot or machine for a sign of life."""

# File systems whose locks only one machine's kernel sees, or that keep none. NFS, Ceph, GFS2, Lustre and the like do share locks.
KEEPS_NO_LOCK = ("9p", "afs", "cifs", "smb3", "smbfs", "vboxsf", "prl_fs", "davfs", "ncpfs")
FUSE_THAT_KEEPS_LOCKS = ("fuseblk", "fuse.fuse-overlayfs", "fuse.glusterfs", "fuse.ceph-fuse", "fuse.mergerfs", "fuse.lxcfs")
REFUSED_BY_THE_FILE_SYSTEM = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EIO, errno.ESTALE)


@dataclass(frozen=True)
class ProcessLocation:
    """The place where a process runs: the machine's name, this boot of its kernel, and the namespace of its process ids."""

    host: str
    boot: str
    namespace: str

    @classmethod
    def here(cls) -> "ProcessLocation":
        return cls(os.uname().nodename, _boot(), _namespace())

    @property
    def another_kernel(self) -> bool:
        """Another machine, or an earlier boot of this one."""
        return self.boot != _boot()

    @property
    def another_namespace(self) -> bool:
        return not self.another_kernel and self.namespace != _namespace()


@dataclass(frozen=True)
class Holder:
    place: ProcessLocation
    pid: int

    @classmethod
    def of(cls, folder: Path) -> "Holder | None":
        """Return the process that runs, or ran, a server on this folder; None if the folder does not name one."""
        try:
            told = json.loads((folder / HOLDER).read_text())
            return cls(ProcessLocation(**told["place"]), int(told["pid"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def text(self) -> str:
        return json.dumps(asdict(self))


def beat(folder: Path) -> None:
    """Give a sign of life. It needs no space on the disk."""
    os.utime(folder / HOLDER)


def take(folder: Path) -> int | None:
    """Take the folder's lock and return its descriptor; None if another process holds it. Raises DatabaseLockRefused if the file system
    would not keep it."""
    path = folder / LOCKED
    lock = _open(path)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _require_kept(lock, path)
    except BlockingIOError:
        os.close(lock)
        return None
    except OSError as error:
        os.close(lock)
        if error.errno in REFUSED_BY_THE_FILE_SYSTEM:
            raise _refused(folder, error.strerror or str(error.errno)) from error
        raise
    except BaseException:
        os.close(lock)
        raise
    return lock


def require_nobody_elsewhere(folder: Path, sleep: Callable[[float], None]) -> None:
    """Refuse if another machine gives signs of life, which this machine's kernel cannot see. The caller holds the lock."""
    holder = Holder.of(folder)
    if holder is None or not holder.place.another_kernel:
        return
    seen, waited = _beaten_at(folder), 0.0
    while waited < WATCH_FOR_S:
        sleep(0.5)
        waited += 0.5
        if _beaten_at(folder) != seen:
            raise held_by_another_machine(folder, holder)


def held_by_another_machine(folder: Path, holder: Holder) -> DatabaseHeldElsewhere:
    return DatabaseHeldElsewhere(
        _(
            "The machine %(host)s runs a server on the database folder %(folder)s, and two servers would destroy it. Stop Rokuon there "
            "first. For several machines, use a PostgreSQL server of your own (ROKUON_DATABASE_URL)."
        )
        % {"host": holder.place.host, "folder": folder}
    )


def held_by_another_container(folder: Path, holder: Holder) -> DatabaseHeldElsewhere:
    return DatabaseHeldElsewhere(
        _(
            "Another container on this machine (%(host)s) runs a server on the database folder %(folder)s, and its socket does not answer "
            "here. Two servers would destroy the database. Run the command in that container, or stop it first."
        )
        % {"host": holder.place.host, "folder": folder}
    )


def held_out_of_sight(folder: Path, pid: int) -> DatabaseHeldElsewhere:
    return DatabaseHeldElsewhere(
        _(
            "The process %(pid)d runs the server of the database folder %(folder)s, and its socket does not answer here. Another folder "
            "may be mounted over %(socket)s. Run the command where that process runs, or stop it first."
        )
        % {"pid": pid, "folder": folder, "socket": folder.parent / "socket"}
    )


def _open(path: Path) -> int:
    # Writable, because an exclusive lock on NFS needs that. Nothing is written.
    return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)


def _require_kept(lock: int, path: Path) -> None:
    """Refuse a lock that a second opener could take as well, or that other machines cannot see."""
    second = _open(path)
    try:
        fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pass
    else:
        raise _refused(path.parent, _("it gives the same lock twice"))
    finally:
        os.close(second)
    kind, options = file_system(lock)
    if not carries_locks(kind, options):
        raise _refused(path.parent, kind)


def carries_locks(kind: str, options: set[str]) -> bool:
    """Whether all machines that can mount such a file system see a lock. Also True for an unknown kind."""
    if kind.startswith("nfs"):
        return not {"nolock", "local_lock=all", "local_lock=flock"} & options
    if kind.startswith("fuse"):
        return kind in FUSE_THAT_KEEPS_LOCKS
    return kind not in KEEPS_NO_LOCK


def file_system(descriptor: int) -> tuple[str, set[str]]:
    """Return an open file's kind of file system and its mount options. Empty if the system does not tell (not Linux)."""
    try:
        about = dict(line.split(":\t", 1) for line in Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines() if ":\t" in line)
        mounts = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    except OSError:
        return "", set()
    for fields in mounts:
        if fields[0] == about.get("mnt_id", "").strip():
            kind, _source, options = fields[fields.index("-") + 1 :][:3]
            return kind, {*options.split(","), *fields[5].split(",")}
    return "", set()


def _refused(folder: Path, why: str) -> DatabaseLockRefused:
    return DatabaseLockRefused(
        _(
            "The file system of the database folder %(folder)s keeps no lock (%(why)s), so nothing would prevent a second server from "
            "destroying the database. Keep the data folder on a local disk (ROKUON_DATA_DIR), or use a PostgreSQL server of your own "
            "(ROKUON_DATABASE_URL)."
        )
        % {"folder": folder, "why": why}
    )


def _beaten_at(folder: Path) -> int:
    try:
        return (folder / HOLDER).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        if sys.platform != "darwin":
            return os.uname().nodename
        asked = subprocess.run(["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, text=True, check=False)
        return asked.stdout.strip() or os.uname().nodename


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
