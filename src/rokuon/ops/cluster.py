"""The embedded database's folder: made once, never by accident, and configured so that what was acknowledged survives.

    <data folder>/postgres      the cluster; 0700, owned by the user that runs PostgreSQL
    <data folder>/socket        its only door, a unix socket (under /tmp where the path would be too long)
    <data folder>/postgres.*    two lock files, see postgres.py

Nobody needs a password: the system user that owns the cluster, and root, are let in as the role `rokuon`, which is not a superuser.
"""

import hashlib
import os
import pwd
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from rokuon.domain.failures import ConfigError
from rokuon.ops import pg_programs
from rokuon.ops.i18n import _

PORT = 5432
# The shortest sun_path among our platforms is macOS's 104 bytes with its ending zero.
SOCKET_PATH_LIMIT = 103

DAMAGE = (
    "PANIC",
    "checksum verification failed",
    "could not locate a valid checkpoint",
    "incorrect checksum",
    "invalid checksum",
    "invalid page",
    "unexpected data beyond EOF",
)

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
    """A cluster that exists and fits."""

    data_dir: Path
    owner: pg_programs.Owner

    @property
    def folder(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def dsn(self) -> str:
        return dsn(self.data_dir)


def socket_dir(data_dir: Path) -> Path:
    """Where the socket of this data folder is. Follows from the path alone, so that nobody has to ask."""
    inside = data_dir / "socket"
    if len(os.fsencode(inside / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_LIMIT:
        return inside
    # Not the TMPDIR of this process: every process of the installation must come to the same answer.
    return Path("/tmp") / f"rokuon-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]}"  # noqa: S108 (checked in prepare_socket_dir)


def dsn(data_dir: Path, *, user: str = "rokuon", database: str = "rokuon") -> str:
    return f"postgresql://{user}@/{database}?host={quote(str(socket_dir(data_dir)), safe='')}&port={PORT}"


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
    pg_programs.require_reachable(owner, folder)
    return Cluster(data_dir, owner)


def create_cluster(data_dir: Path) -> Cluster:
    """A new, empty cluster with the role and the database `rokuon`; complete or not there at all."""
    # pg_ctl puts the path into a shell command between double quotes.
    if any(character in str(data_dir) for character in '"$`\\\n'):
        raise ConfigError(
            _("The path of the data folder %(folder)s has characters that the database cannot take. Set ROKUON_DATA_DIR to a plainer one.")
            % {"folder": data_dir}
        )
    owner = pg_programs.new_owner()
    folder, partial = data_dir / "postgres", data_dir / "postgres.partial"
    pg_programs.require_reachable(owner, data_dir)
    if owner.uid != os.geteuid():
        # The server's user may pass through the data folder, and read nothing in it but its own.
        os.chown(data_dir, os.geteuid(), owner.gid)
        data_dir.chmod(0o710)
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(mode=0o700)
    os.chown(partial, owner.uid, owner.gid)
    _succeed(
        pg_programs.run(
            owner,
            "initdb",
            "--pgdata",
            str(partial),
            "--username=postgres",
            "--auth-local=peer",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
        ),
        partial,
    )
    cluster = Cluster(data_dir, owner)
    write_owned(partial / "postgresql.conf", CONFIGURATION, owner)
    write_runtime_files(cluster, partial, durable=True)
    sql = "CREATE ROLE rokuon LOGIN CREATEDB;\nCREATE DATABASE rokuon OWNER rokuon;\n"
    _succeed(pg_programs.run(owner, "postgres", "--single", "-j", "-D", str(partial), "postgres", text=sql.replace("\n", "\n\n")), partial)
    for lock in ("postgres.start", "postgres.use"):
        write_owned(data_dir / lock, "", pg_programs.Owner(data_dir.stat().st_uid, data_dir.stat().st_gid))
    partial.rename(folder)
    _sync_folder(data_dir)
    return cluster


def write_runtime_files(cluster: Cluster, folder: Path, *, durable: bool) -> None:
    """What follows from where the folder is today and who may come in; written anew before every start."""
    sockets = str(socket_dir(cluster.data_dir)).replace('"', '""').replace("'", "''")
    lines = ["# Written by Rokuon at every start.", "listen_addresses = ''", f"port = {PORT}", f"unix_socket_directories = '\"{sockets}\"'"]
    lines += ["unix_socket_permissions = 0700"]
    if not durable:
        lines += ["fsync = off", "full_page_writes = off", "synchronous_commit = off"]
    write_owned(folder / "rokuon.conf", "\n".join(lines) + "\n", cluster.owner)
    write_owned(folder / "pg_hba.conf", "local all all peer map=rokuon\n", cluster.owner)
    names = dict.fromkeys(name for name in (pwd.getpwuid(0).pw_name, cluster.owner.name) if name)
    maps = [f'rokuon "{name}" {role}' for name in names for role in ("rokuon", "postgres")]
    write_owned(folder / "pg_ident.conf", "\n".join(maps) + "\n", cluster.owner)


def prepare_socket_dir(cluster: Cluster) -> None:
    """The folder of the socket is there, ours alone, and not a trap that somebody laid under /tmp."""
    path = socket_dir(cluster.data_dir)
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
        os.chown(path, cluster.owner.uid, cluster.owner.gid)
    info = path.lstat()
    if path.parent == cluster.data_dir and stat.S_ISDIR(info.st_mode):
        # Container platforms widen the permissions of a volume when they mount it; PostgreSQL would refuse.
        for folder in (cluster.folder, path):
            folder.chmod(0o700)
        info = path.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != cluster.owner.uid or stat.S_IMODE(info.st_mode) != 0o700:
        raise ConfigError(
            _("The folder %(folder)s must belong to the database's user alone (mode 0700) and does not. Remove it and start again.")
            % {"folder": path}
        )


def remove_socket_dir(cluster: Cluster) -> None:
    """Leaves nothing under /tmp when the server has stopped."""
    path = socket_dir(cluster.data_dir)
    if path.parent != cluster.data_dir:
        with suppress(OSError):  # not empty, or gone
            path.rmdir()


def _succeed(outcome: pg_programs.Outcome, folder: Path) -> None:
    # Single-user PostgreSQL answers 0 even when a statement failed.
    if outcome.code != 0 or "ERROR:" in outcome.output or "FATAL:" in outcome.output:
        shutil.rmtree(folder, ignore_errors=True)
        raise failure_of(outcome.output, folder)


def failure_of(output: str, folder: Path) -> ConfigError:
    """What a person can do about the words of a PostgreSQL program that failed."""
    last = next((line.strip() for line in reversed(output.splitlines()) if "FATAL" in line or "PANIC" in line or "error:" in line), "")
    last = last or (output.strip().splitlines() or [""])[-1].strip()
    if "No space left on device" in output:
        said = _("There is no space left for the database in %(folder)s. Free some space and start again.")
    elif "Permission denied" in output or "Operation not permitted" in output:
        said = _("The database in %(folder)s could not be started because a file may not be read or written (%(last)s).")
    elif any(sign in output for sign in DAMAGE):
        said = _("The database in %(folder)s is damaged (%(last)s). Keep the folder and restore the newest dump into a new installation.")
    elif "could not map anonymous shared memory" in output or "Cannot allocate memory" in output:
        said = _("There is not enough memory to start the database in %(folder)s (%(last)s).")
    else:
        said = _("The database in %(folder)s could not be started: %(last)s")
    return ConfigError(said % {"folder": folder, "last": last})


def write_owned(path: Path, text: str, owner: pg_programs.Owner) -> None:
    """Replaces the file as a whole, 0600. What stood at the path is never followed, because another user owns the folder."""
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
