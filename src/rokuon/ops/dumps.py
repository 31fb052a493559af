"""Nightly dumps of the database: complete or not there, and kept for some days."""

import fcntl
import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg import conninfo

from rokuon.domain.failures import ConfigError
from rokuon.ops import pg_programs
from rokuon.ops.i18n import _

NAME = re.compile(r"rokuon-(\d{8}T\d{6}Z)\.dump")
STAMP = "%Y%m%dT%H%M%SZ"


def dump(dsn: str, folder: Path, *, now: datetime, keep_days: int = 7) -> Path:
    """Writes `rokuon-<time>.dump` (pg_restore's custom format) and then removes older dumps than keep_days.

    A dump that fails leaves no file and removes none. It reads every row, so a damaged table shows here as an error.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"rokuon-{now.astimezone(UTC).strftime(STAMP)}.dump"
    partial = target.with_name(target.name + ".partial")
    for left in folder.glob("*.partial"):
        left.unlink()
    try:
        _pg_dump(dsn, partial)
        _sync(partial)
        partial.replace(target)
        _sync(folder)
    except OSError as error:
        raise _failed(folder, error.strerror or str(error)) from error
    finally:
        partial.unlink(missing_ok=True)
    _prune(folder, older_than=now - timedelta(days=keep_days))
    return target


def nightly(dsn: str, folder: Path, *, now: datetime) -> Path | None:
    """A dump, if the newest one is a day old or there is none. None where it is not time yet, or another process is at it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        newest = next(iter(dumps(folder)), None)
        return dump(dsn, folder, now=now) if newest is None or made_at(newest) <= now - timedelta(days=1) else None


def made_at(path: Path) -> datetime:
    """By its name; the beginning of time for what is none of ours."""
    match = NAME.fullmatch(path.name)
    return datetime.strptime(match[1], STAMP).replace(tzinfo=UTC) if match else datetime.min.replace(tzinfo=UTC)


def dumps(folder: Path) -> list[Path]:
    """The complete dumps, newest first."""
    return sorted((path for path in folder.glob("*.dump") if NAME.fullmatch(path.name)), reverse=True)


def _pg_dump(dsn: str, target: Path) -> None:
    parts: dict[str, str] = {key: str(value) for key, value in conninfo.conninfo_to_dict(dsn).items()}
    # Not on the command line, where every user of the machine could read it.
    secret = {"PGPASSWORD": parts.pop("password")} if "password" in parts else {}
    where = conninfo.make_conninfo("", **parts)
    done = subprocess.run(
        [pg_programs.program("pg_dump"), "--format=custom", "--no-owner", "--no-privileges", f"--file={target}", f"--dbname={where}"],
        env={"PATH": os.defpath, "LC_ALL": "C", **secret},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        umask=0o077,
        check=False,
    )
    if done.returncode != 0:
        raise _failed(target.parent, next(iter(done.stderr.strip().splitlines()), str(done.returncode)))


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
