"""The single checks of `rokuon doctor`. None of them changes anything, and each answers within seconds."""

import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from rokuon.config import Config
from rokuon.domain.failures import RokuonError, StoreError
from rokuon.jobs import queue
from rokuon.ledger import holds
from rokuon.ops.i18n import _
from rokuon.ops.secrets import Vault
from rokuon.org.models import Bucket, Company
from rokuon.wiring import setup

from . import output
from .crew import Crew
from .session import Session
from .verdict import held

LOW_SPACE = 1 << 30
NO_SPACE = 100 << 20
CLOCK_OFF_S = 5.0
SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")


class Level(Enum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """`stops` means that what comes after cannot be checked."""

    what: str
    level: Level
    says: str
    todo: str = ""
    stops: bool = False


def machine_checks(config: Config) -> Iterator[Check]:
    folder = _("Data folder")
    if not config.data_dir.is_dir():
        yield Check(
            folder, Level.PROBLEM, _("%(path)s is missing") % {"path": config.data_dir}, _("Run `rokuon init`, or mount the volume.")
        )
        return
    yield Check(folder, Level.OK, str(config.data_dir))
    yield from _key_file(config.master_key_file)
    for what, path in ((_("Disk space of the data folder"), config.data_dir), (_("Disk space of the spool"), config.spool_dir)):
        if path.is_dir():
            yield _space(what, path)


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
        yield Check(what, Level.OK, _("readable by its owner alone; keep a backup of it apart from the database"))


def _space(what: str, path: Path) -> Check:
    free = shutil.disk_usage(path).free
    level = Level.PROBLEM if free < NO_SPACE else Level.WARNING if free < LOW_SPACE else Level.OK
    todo = "" if level is Level.OK else _("Free some space.")
    return Check(what, level, _("%(free)s free") % {"free": output.amount(free)}, todo)


def database_checks(session: Session) -> Iterator[Check]:
    what = _("Database")
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(SETTINGS)])
        off = [name for name, setting in cursor.fetchall() if setting == "off"]
    where = _("embedded") if session.config.embedded else _("external")
    yield Check(what, Level.OK, f"PostgreSQL {version} ({where})")
    if off:
        yield Check(
            what,
            Level.PROBLEM,
            _("%(names)s is off: a power cut could lose verified recordings") % {"names": ", ".join(off)},
            _("Set it to on in the database's configuration."),
        )
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield Check(_("Migrations"), Level.PROBLEM, _("the database is older than this Rokuon"), _("Run `rokuon migrate`."), stops=True)
        return
    yield Check(_("Migrations"), Level.OK, _("up to date"))
    workers = queue.live_workers(Crew.ALIVE_WITHIN_S)
    if workers:
        yield Check(_("Workers"), Level.OK, _("%(count)d alive") % {"count": workers})
    else:
        yield Check(_("Workers"), Level.WARNING, _("none is running"), _("Start one with `rokuon worker`."))


def company_checks(session: Session) -> Iterator[Check]:
    known = list(Company.objects.order_by("name", "pk"))
    if not known:
        yield Check(_("Company"), Level.WARNING, _("none yet"), _("Add one with `rokuon company add`."))
    for company in known:
        yield from _dialpad(session, company)
        for hold in holds.open_holds(company.pk):
            yield Check(
                f"{company.name}: {_('hold')}",
                Level.PROBLEM,
                f"{held(hold)} [{hold.reason}]",
                _("`rokuon status` says why and what to do."),
            )
        if not company.enabled:
            yield Check(f"{company.name}: {_('backup')}", Level.WARNING, _("not enabled"), "rokuon settings set --enable")
        for bucket in company.buckets.order_by("url"):
            yield _bucket(session, bucket)


def _dialpad(session: Session, company: Company) -> Iterator[Check]:
    what = f"{company.name}: Dialpad"
    try:
        account = setup.check_stored_key(session.installation, company, session.now())
    except RokuonError as error:
        yield Check(what, Level.PROBLEM, f"[{error.reason}] {error.detail}", _(error.advice))
        return
    yield Check(what, Level.OK, _("the key works and has the scope calls:list"))
    if account.exports is False:
        yield Check(what, Level.PROBLEM, _("recorded calls name no recording"), _("Give the key the scope recordings_export."))
    if account.server_ms is not None:
        off = abs(time.time() - account.server_ms / 1000)
        level = Level.OK if off <= CLOCK_OFF_S else Level.WARNING
        todo = "" if level is Level.OK else _("Set this machine's clock, for example with NTP.")
        yield Check(_("Clock"), level, _("%(seconds).0f s from Dialpad's") % {"seconds": off}, todo)


def _bucket(session: Session, bucket: Bucket) -> Check:
    what = f"{_('Bucket')} {bucket.url}"
    try:
        verification = setup.look_at_bucket(session.installation, bucket)
    except RokuonError as error:
        return Check(what, Level.PROBLEM, _(str(error)))
    failure: StoreError | None = verification.failure
    if failure is not None:
        return Check(what, Level.PROBLEM, f"[{failure.reason}] {failure.detail}", _(failure.advice))
    return Check(what, Level.OK, _("can be listed, written to and read back"))
