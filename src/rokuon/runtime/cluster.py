"""The folder of the embedded database: created once, never by accident, and configured so that acknowledged writes survive a crash.

    <data folder>/postgres      the cluster; 0700, owned by the user that runs PostgreSQL
    <data folder>/socket        the only way to connect, a unix socket
    <data folder>/postgres.*    two lock files, see postgres.py

No password is needed: the system user that owns the cluster, and root, connect as the role `rokuon`, which is not a superuser. PostgreSQL
asks the system for the client's user name; if the owner has no name, only the folders' permissions keep other users out.
"""

import os
import pwd
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from rokuon.base.i18n import _
from rokuon.domain.failures import ConfigError

from . import pg_copies, pg_programs, pg_room, pg_words

PORT = 5432
# Of our platforms, macOS has the shortest sun_path: 104 bytes including the terminating zero.
SOCKET_PATH_LIMIT = 103

CONFIGURATION = """\
# Written by `rokuon init`; yours to tune. Rokuon checks at every start that fsync, full_page_writes and synchronous_commit are on.
max_connections = 100
shared_buffers = 128MB
fsync = on
full_page_writes = on
synchronous_commit = on
# A database that is still recovering is not ready, also after a restore from an archive.
hot_standby = off
wal_level = replica
max_wal_size = 2GB
min_wal_size = 128MB
wal_compression = on
checkpoint_timeout = 15min
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_file_mode = 0600
log_truncate_on_rotation = on
log_rotation_age = 1d
log_rotation_size = 0
log_line_prefix = '%m [%p] %a '
log_checkpoints = off
# Statements and row values hold names of people; the log does not.
log_error_verbosity = terse
log_min_error_statement = panic
include 'rokuon.conf'
"""


@dataclass(frozen=True)
class Cluster:
    """A cluster that exists and has the right version."""

    data_dir: Path
    owner: pg_programs.Owner

    @property
    def folder(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def dsn(self) -> str:
        return dsn(self.data_dir)


def socket_dir(data_dir: Path) -> Path:
    return data_dir / "socket"


def dsn(data_dir: Path, *, user: str = "rokuon", database: str = "rokuon") -> str:
    """Return the connection string for this process, and for programs started with `descriptors()`. Depends on the path alone."""
    return f"postgresql://{user}@/{database}?host={quote(_door(data_dir), safe='')}&port={PORT}"


def descriptors() -> tuple[int, ...]:
    """Return the file descriptors that a program must inherit to use a DSN of this process."""
    return tuple(_held)


_held: list[int] = []


def _door(data_dir: Path) -> str:
    """Return the socket's folder in a form that libpq accepts: short enough for a socket address, and without a comma, which separates
    hosts. If the path is not, go through an open descriptor of the data folder."""
    path = socket_dir(data_dir)
    if _plain(path) or sys.platform != "linux" or not data_dir.is_dir():
        return str(path)
    return f"/proc/self/fd/{_descriptor(data_dir)}/{path.name}"


def _plain(path: Path) -> bool:
    return len(os.fsencode(path / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT and "," not in str(path)


@cache
def _descriptor(data_dir: Path) -> int:
    descriptor = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    _held.append(descriptor)
    return descriptor


def exists(data_dir: Path) -> bool:
    return (data_dir / "postgres" / "PG_VERSION").is_file()


def open_cluster(data_dir: Path) -> Cluster:
    folder = data_dir / "postgres"
    try:
        version = (folder / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise ConfigError(
            _("There is no database in %(folder)s. If this is a new installation, run `rokuon init`; if not, a volume is missing.")
            % {"folder": folder}
        ) from None
    except PermissionError:
        raise ConfigError(
            _("The database folder %(folder)s belongs to another user. Run Rokuon as that user.") % {"folder": folder}
        ) from None
    if version != str(pg_programs.MAJOR):
        raise ConfigError(
            _(
                "The database in %(folder)s was made by PostgreSQL %(found)s and this Rokuon brings PostgreSQL %(needed)d. "
                "Restore a dump into a new installation, or use the Rokuon version that made it."
            )
            % {"folder": folder, "found": version, "needed": pg_programs.MAJOR}
        )
    owner = pg_programs.owner_of(folder)
    pg_programs.require_reachable(owner, data_dir)
    return Cluster(data_dir, owner)


def require_usable_path(data_dir: Path) -> None:
    """Raises ConfigError for a path that PostgreSQL's programs cannot work with."""
    # initdb puts the path into shell commands between double quotes.
    strange = any(character in str(data_dir) for character in '"$`\\\n')
    if strange or (sys.platform != "linux" and not _plain(socket_dir(data_dir))):
        raise ConfigError(
            _("The path of the data folder %(folder)s has characters that the database cannot take. Set ROKUON_DATA_DIR to a plainer one.")
            % {"folder": data_dir}
            if strange
            else _("The path of the data folder %(folder)s is too long for the database, or has a comma. Set ROKUON_DATA_DIR to another.")
            % {"folder": data_dir}
        )


def require_room(data_dir: Path) -> None:
    """Raises DatabaseFull if this folder or the shared memory has too little room for a new database."""
    pg_room.require_disk(data_dir)
    pg_room.require_shared_memory()


def create_cluster(data_dir: Path) -> Cluster:
    """Create an empty cluster with the role and the database `rokuon`, completely or not at all."""
    require_usable_path(data_dir)
    require_room(data_dir)
    owner = pg_programs.new_owner()
    folder, partial = data_dir / "postgres", data_dir / "postgres.partial"
    if owner.uid != os.geteuid():
        # The server's user may pass through the data folder, but can read only its own files in it.
        os.chown(data_dir, os.geteuid(), owner.gid)
        data_dir.chmod(0o710)
    pg_programs.require_reachable(owner, data_dir)
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(mode=0o700)
    os.chown(partial, owner.uid, owner.gid)
    cluster = Cluster(data_dir, owner)
    try:
        with _programs_for(owner, data_dir) as among:
            _fill(cluster, partial, among)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    for lock in ("postgres.start", "postgres.use"):
        write_owned(data_dir / lock, "", pg_programs.Owner(data_dir.stat().st_uid, data_dir.stat().st_gid))
    partial.rename(folder)
    _sync_folder(data_dir)
    return cluster


@contextmanager
def _programs_for(owner: pg_programs.Owner, data_dir: Path) -> Iterator[Path | None]:
    """Return the package whose `initdb` the owner can run; None for the bundled one."""
    if owner.name is not None:
        yield None
        return
    try:
        with pg_copies.for_a_user_without_a_name(pg_programs.package(), pg_programs.VERSION, data_dir / "postgres.programs") as among:
            yield among
    except pg_copies.Unpatchable:
        raise ConfigError(
            _(
                "The user id %(uid)d has no name on this machine, and PostgreSQL needs one. "
                "Run Rokuon as a user that /etc/passwd knows, or set ROKUON_DATABASE_URL."
            )
            % {"uid": owner.uid}
        ) from None


def _fill(cluster: Cluster, folder: Path, among: Path | None) -> None:
    owner, where = cluster.owner, pg_programs.folder_for(cluster.owner, folder)
    _succeed(
        pg_programs.run(
            owner,
            "initdb",
            "--pgdata",
            where,
            "--username=postgres",
            "--auth-local=peer",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
            folder=folder,
            among=among,
        ),
        folder,
    )
    write_owned(folder / "postgresql.conf", CONFIGURATION, owner)
    write_runtime_files(cluster, folder, durable=True)
    sql = "CREATE ROLE rokuon LOGIN CREATEDB;\nCREATE DATABASE rokuon OWNER rokuon;\n".replace("\n", "\n\n")
    _succeed(pg_programs.run(owner, "postgres", "--single", "-j", "-D", where, "postgres", folder=folder, among=among, text=sql), folder)


def write_runtime_files(cluster: Cluster, folder: Path, *, durable: bool) -> None:
    """Write the settings that depend on the folder's current place and on who may connect; called before every start."""
    # Relative to the database folder, so that no path is too long and the owner needs no access to the folders above it.
    sockets = f"../{socket_dir(cluster.data_dir).name}"
    lines = ["# Written by Rokuon at every start.", "listen_addresses = ''", f"port = {PORT}", f"unix_socket_directories = '{sockets}'"]
    lines += ["unix_socket_permissions = 0700"]
    if not durable:
        lines += ["fsync = off", "full_page_writes = off", "synchronous_commit = off"]
    write_owned(folder / "rokuon.conf", "\n".join(lines) + "\n", cluster.owner)
    method = "peer map=rokuon" if cluster.owner.name else "trust"
    write_owned(folder / "pg_hba.conf", f"local all all {method}\n", cluster.owner)
    names = dict.fromkeys(name for name in (pwd.getpwuid(0).pw_name, cluster.owner.name) if name)
    maps = [f'rokuon "{name}" {role}' for name in names for role in ("rokuon", "postgres")]
    write_owned(folder / "pg_ident.conf", "\n".join(maps) + "\n", cluster.owner)


def prepare_socket_dir(cluster: Cluster) -> None:
    """Create the socket's folder for us alone, or check it and fix its permissions."""
    path = socket_dir(cluster.data_dir)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        os.chown(path, cluster.owner.uid, cluster.owner.gid)
    if stat.S_ISDIR(path.lstat().st_mode):
        # Container platforms widen the permissions of a volume when they mount it; PostgreSQL would refuse.
        for folder in (cluster.folder, path):
            folder.chmod(0o700)
    info = path.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != cluster.owner.uid:
        raise ConfigError(
            _("The folder %(folder)s must belong to the database's user alone (mode 0700) and does not. Remove it and start again.")
            % {"folder": path}
        )


def clear_traces(cluster: Cluster) -> None:
    """Remove pid file and socket. The caller holds the folder's lock, so they are a dead server's, even if its pid is in use again."""
    socket = socket_dir(cluster.data_dir) / f".s.PGSQL.{PORT}"
    for trace in (cluster.folder / "postmaster.pid", socket.with_name(f"{socket.name}.lock"), socket):
        trace.unlink(missing_ok=True)


def _succeed(outcome: pg_programs.ProgramResult, folder: Path) -> None:
    # Single-user PostgreSQL exits with 0 even if a statement failed.
    if outcome.code != 0 or "ERROR:" in outcome.output or "FATAL:" in outcome.output:
        raise pg_words.failure_of(outcome.output, folder)


def write_owned(path: Path, text: str, owner: pg_programs.Owner) -> None:
    """Replace the file as a whole, 0600. Never follows a link at the path, because another user owns the folder."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchown(descriptor, owner.uid, owner.gid)
        file.write(text)
    fresh.replace(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
