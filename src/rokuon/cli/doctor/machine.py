"""Checks of this machine: the data folder, the master key, disks, dumps."""

import os
import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from rokuon.base.i18n import _
from rokuon.base.measures import LOW_SPACE, NO_SPACE
from rokuon.base.secrets import Vault
from rokuon.cli.support import output
from rokuon.config import Config
from rokuon.domain.failures import RokuonError
from rokuon.runtime import dumps

from .check import Check, Level

FEW_FILES = 10_000
DUMP_LATE, DUMP_MISSING = timedelta(hours=36), timedelta(days=3)


def machine_checks(config: Config, now: datetime) -> Iterator[Check]:
    folder = _("Data folder")
    if not config.data_dir.is_dir():
        yield Check(
            folder, Level.PROBLEM, _("%(path)s is missing") % {"path": config.data_dir}, _("Run `rokuon init`, or mount the volume.")
        )
        return
    yield Check(folder, Level.OK, str(config.data_dir))
    yield from _key_file(config.master_key_file)
    yield from _disks(config)
    if config.embedded:
        yield _dump(config.dump_dir, config.data_dir, now)


def _key_file(path: Path) -> Iterator[Check]:
    what = _("Master key file")
    try:
        Vault.load(path)
        mode = stat.S_IMODE(path.stat().st_mode)
    except (RokuonError, OSError) as error:
        yield Check(what, Level.PROBLEM, str(error))
        return
    if mode & 0o077:
        yield Check(
            what,
            Level.WARNING,
            _("others on this machine may read %(path)s (mode %(mode)o)") % {"path": path, "mode": mode},
            f"chmod 600 {path}",
        )
    else:
        yield Check(
            what,
            Level.OK,
            _("%(path)s, readable by its owner alone; keep a backup of it apart from the database: no dump holds it") % {"path": path},
        )


def _disks(config: Config) -> Iterator[Check]:
    """Yield one check per disk, naming what is on it."""
    folders = [(_("data folder"), config.data_dir), (_("spool"), config.spool_dir)]
    if config.embedded:
        folders.append((_("dumps"), config.dump_dir))
    folders += [(_("buckets in %(path)s") % {"path": root}, root) for root in config.local_roots]
    disks: dict[int, tuple[Path, list[str]]] = {}
    for name, path in folders:
        if path.is_dir():
            disks.setdefault(path.stat().st_dev, (path, []))[1].append(name)
    for path, names in disks.values():
        yield space(_("Disk space"), path, _(", ").join(names))


def space(what: str, path: Path, holds: str) -> Check:
    """Check the space on this folder's disk that is free for users other than root. `holds` names what is on it."""
    disk = os.statvfs(path)
    free = disk.f_bavail * disk.f_frsize
    says = _("%(free)s free (%(holds)s)") % {"free": output.amount(free), "holds": holds}
    if free < LOW_SPACE:
        return Check(what, Level.PROBLEM if free < NO_SPACE else Level.WARNING, says, _("Free some space, or use a larger disk."))
    if disk.f_files and disk.f_favail < FEW_FILES:
        return Check(
            what,
            Level.WARNING,
            _("%(files)s more files fit on the disk (%(holds)s)") % {"files": output.number(disk.f_favail), "holds": holds},
            _("Remove files that nobody needs, or use a disk made for more of them."),
        )
    return Check(what, Level.OK, says)


def _dump(folder: Path, data_dir: Path, now: datetime) -> Check:
    what, todo = _("Nightly dump"), _("Look for dump_failed in the worker's log. A worker has to run for dumps to be made.")
    try:
        made = dumps.newest_at(folder, now)
        since = made or datetime.fromtimestamp((data_dir / "postgres" / "PG_VERSION").stat().st_mtime, now.tzinfo)
    except OSError as error:
        return Check(what, Level.PROBLEM, _("%(path)s cannot be read: %(reason)s") % {"path": folder, "reason": error.strerror}, todo)
    age = now - since
    level = Level.PROBLEM if age > DUMP_MISSING else Level.WARNING if age > DUMP_LATE else Level.OK
    if made is None:
        says = _("none was made yet")
    else:
        says = _("the newest is %(age)s old, in %(folder)s") % {"age": output.duration(max(0.0, age.total_seconds())), "folder": folder}
    return Check(what, level, says, "" if level is Level.OK else todo)
