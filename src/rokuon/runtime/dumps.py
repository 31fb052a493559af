"""Nightly dumps of the database: each is complete or absent, and kept for some days."""

import fcntl
import os
import re
import subprocess
import sys
import tempfile
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg import conninfo

from rokuon.base.i18n import _
from rokuon.domain.clocks import is_future
from rokuon.domain.failures import ConfigError

from . import cluster, pg_programs

NAME = re.compile(r"rokuon-(\d{8}T\d{6}Z)\.dump")
STAMP = "%Y%m%dT%H%M%SZ"
LOOK_EVERY_S, ENDS_WITHIN_S = 0.2, 5.0


class DumpStopped(Exception):
    """The process was asked to stop, and does not wait for a dump."""


def dump(dsn: str, folder: Path, *, now: datetime, keep_days: int = 7, stop: threading.Event | None = None) -> Path:
    """Write `rokuon-<time>.dump` (pg_restore's custom format) and then remove dumps older than keep_days.

    A dump that fails leaves no file and removes none. It reads every row, so a damaged table causes an error here. It ends within a second
    after `stop` is set (DumpStopped), and with the process that makes it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"rokuon-{now.astimezone(UTC).strftime(STAMP)}.dump"
    partial = target.with_name(target.name + ".partial")
    for left in folder.glob("*.partial"):
        left.unlink()
    try:
        _pg_dump(dsn, partial, stop or threading.Event())
        _sync(partial)
        partial.replace(target)
        _sync(folder)
    except OSError as error:
        raise _failed(folder, error.strerror or str(error)) from error
    finally:
        partial.unlink(missing_ok=True)
    _prune(folder, older_than=now - timedelta(days=keep_days))
    return target


def nightly(
    dsn: str, folder: Path, *, now: datetime, outdated_by: datetime | None = None, stop: threading.Event | None = None
) -> Path | None:
    """Make a dump if there is none, if the newest one is a day old, or if it was made before `outdated_by`. Return None if none is due or
    another process is making one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        made = newest_at(folder, now)
        fresh = made is not None and made > now - timedelta(days=1) and (outdated_by is None or made >= outdated_by)
        return None if fresh else dump(dsn, folder, now=now, stop=stop)


def made_at(path: Path) -> datetime:
    """Return the time in the dump's name; the beginning of time for a file that is not ours."""
    match = NAME.fullmatch(path.name)
    return datetime.strptime(match[1], STAMP).replace(tzinfo=UTC) if match else datetime.min.replace(tzinfo=UTC)


def newest_at(folder: Path, now: datetime) -> datetime | None:
    """Return when the newest dump was made; None if there is none. A dump from the future, by a clock that was ahead, does not count."""
    return next((made for path in dumps(folder) if not is_future(made := made_at(path), now)), None)


def dumps(folder: Path) -> list[Path]:
    """Return the complete dumps, newest first."""
    return sorted((path for path in folder.glob("*.dump") if NAME.fullmatch(path.name)), reverse=True)


def _pg_dump(dsn: str, target: Path, stop: threading.Event) -> None:
    parts: dict[str, str] = {key: str(value) for key, value in conninfo.conninfo_to_dict(dsn).items()}
    # Not on the command line, where every user of the machine could read it.
    secret = {"PGPASSWORD": parts.pop("password")} if "password" in parts else {}
    where = conninfo.make_conninfo("", **parts)
    program = [pg_programs.program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", f"--file={target}", f"--dbname={where}"]
    with tempfile.TemporaryFile("w+") as said:
        # A worker that is killed must not leave a dump behind that runs on for an hour.
        process = subprocess.Popen(
            [sys.executable, "-m", "rokuon.runtime.die_with_parent", str(os.getpid()), *map(str, program)],
            env={"PATH": os.defpath, "LC_ALL": "C", **_importable(), **secret},
            pass_fds=cluster.descriptors(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            umask=0o077,
        )
        try:
            while process.poll() is None:
                if stop.wait(LOOK_EVERY_S):
                    raise DumpStopped
        finally:
            _end(process)
        if process.returncode != 0:
            said.seek(0)
            raise _failed(target.parent, next((line.strip() for line in said if line.strip()), str(process.returncode)))


def _importable() -> dict[str, str]:
    return {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _prune(folder: Path, *, older_than: datetime) -> None:
    for path in dumps(folder)[1:]:
        if made_at(path) < older_than:
            path.unlink()


def _failed(folder: Path, said: str) -> ConfigError:
    return ConfigError(
        _("The database could not be dumped into %(folder)s, so older dumps are kept: %(said)s") % {"folder": folder, "said": said}
    )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
