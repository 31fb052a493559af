"""Copies of PostgreSQL's programs, for two cases in which the bundled ones cannot be used in place.

As root, PostgreSQL runs as another user, who may not enter the closed folder (such as /root) that Rokuon was installed in. And a user id
without a name (OpenShift, `docker run --user 12345`) cannot run `initdb`, which asks for the name of its user.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path("/var/cache/rokuon")
NEEDED = ("bin", "lib", "share")
ASKS_FOR_A_NAME, ASKS_FOR_THE_FIRST = b"\0getpwuid\0", b"\0getpwent\0"


class Unpatchable(Exception):
    """This build of PostgreSQL asks for its user's name in an unknown way."""


def for_everybody(package: Path, version: str) -> Path:
    """Return a copy of the package that every user of the machine may run and only root may change. Made once; needs root.

    Raises OSError if the folder cannot be written.
    """
    target = CACHE / f"postgresql-{_identity(package, version)}" / package.name
    if target.is_dir():
        return target
    CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = CACHE / f".{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        for source in _parts(package, version):
            shutil.copytree(source, fresh / source.relative_to(package.parent))
        for path in (fresh, *fresh.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        try:
            fresh.rename(target.parent)
        except OSError:
            if not target.is_dir():  # another process was faster
                raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


@contextmanager
def for_a_user_without_a_name(package: Path, version: str, at: Path) -> Iterator[Path]:
    """Yield a copy of the package whose `initdb` and `postgres` take the first name in the machine's user list for their user's name. It is
    removed at the end of the context.

    Both only print the name: an option names the database's own user. So the import of the C library's `getpwuid` is replaced by
    `getpwent`, which returns the same structure. `at` is a folder that does not exist yet. Raises Unpatchable.
    """
    programs = at / package.name / version
    try:
        (programs / "bin").mkdir(mode=0o700, parents=True)
        for source in _parts(package, version):
            if source.name != "bin":
                (at / source.relative_to(package.parent)).symlink_to(source)
        for name in ("initdb", "postgres"):
            content = (package / version / "bin" / name).read_bytes()
            if content.count(ASKS_FOR_A_NAME) != 1:
                raise Unpatchable(name)
            (programs / "bin" / name).write_bytes(content.replace(ASKS_FOR_A_NAME, ASKS_FOR_THE_FIRST))
            (programs / "bin" / name).chmod(0o700)
        yield at / package.name
    finally:
        shutil.rmtree(at, ignore_errors=True)


def _parts(package: Path, version: str) -> list[Path]:
    """Return what the programs need: their own folders, and the libraries that the wheel's repair put beside the package or into it."""
    libraries = [package.parent / f"{package.name}.libs", package / ".dylibs"]
    return [*(package / version / name for name in NEEDED), *(path for path in libraries if path.is_dir())]


def _identity(package: Path, version: str) -> str:
    """Return a hash that changes whenever a file of the package does."""
    files = sorted(path for part in _parts(package, version) for path in part.rglob("*") if path.is_file())
    told = [f"{path.relative_to(package.parent)} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
