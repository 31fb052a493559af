"""Of the database, and of the workers that it knows of."""

from collections.abc import Iterator
from datetime import datetime

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from rokuon import __version__
from rokuon.jobs import queue
from rokuon.ops.django_start import APPLICATION
from rokuon.ops.i18n import _

from .. import output
from ..crew import Crew
from ..session import Session
from .check import Check, Level

SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")
CLOCK_OFF_S = 5.0
FEW_CONNECTIONS, NO_CONNECTIONS = 10, 3
"""A worker process takes up to six, a process of the console one for each thread that answers."""


def database_checks(session: Session) -> Iterator[Check]:
    yield from _server(session)
    yield _connections()
    yield _clock(session)
    what = _("Migrations")
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield Check(what, Level.PROBLEM, _("the database is older than this Rokuon"), _("Run `rokuon migrate`."), stops=True)
        return
    yield Check(what, Level.OK, _("up to date"))
    yield _workers()
    yield from _versions()


def _server(session: Session) -> Iterator[Check]:
    what = _("Database")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), pg_database_size(current_database())")
        version, size = cursor.fetchone()
        cursor.execute("SELECT name FROM pg_settings WHERE name = ANY(%s) AND setting = 'off'", [list(SETTINGS)])
        off = [name for (name,) in cursor.fetchall()]
    where = _("embedded") if session.config.embedded else _("external")
    yield Check(what, Level.OK, f"PostgreSQL {version} ({where}), {output.amount(size)}")
    if off:
        yield Check(
            what,
            Level.PROBLEM,
            _("%(names)s is off: a power cut could lose verified recordings") % {"names": ", ".join(off)},
            _("Set it to on in the database's configuration."),
        )


def _connections() -> Check:
    """How many more are let in: by the server, the database, the role."""
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH here AS (SELECT datname, usename FROM pg_stat_activity WHERE backend_type = 'client backend')
               SELECT least(
                 current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
                   - COALESCE(current_setting('reserved_connections', true)::int, 0) - (SELECT count(*) FROM here),
                 (SELECT datconnlimit - (SELECT count(*) FROM here h WHERE h.datname = d.datname)
                    FROM pg_database d WHERE datname = current_database() AND datconnlimit >= 0),
                 (SELECT rolconnlimit - (SELECT count(*) FROM here h WHERE h.usename = r.rolname)
                    FROM pg_roles r WHERE rolname = current_user AND rolconnlimit >= 0))"""
        )
        left = max(0, cursor.fetchone()[0])
    level = Level.PROBLEM if left < NO_CONNECTIONS else Level.WARNING if left < FEW_CONNECTIONS else Level.OK
    todo = (
        "" if level is Level.OK else _("Raise max_connections of the server, or the limit of the database or role, or run fewer workers.")
    )
    return Check(_("Connections of the database"), level, _("%(count)d are left") % {"count": left}, todo)


def _clock(session: Session) -> Check:
    before = session.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        there: datetime = cursor.fetchone()[0]
    after = session.now()
    off = max(0.0, (before - there).total_seconds(), (there - after).total_seconds())
    level = Level.OK if off <= CLOCK_OFF_S else Level.WARNING
    todo = "" if level is Level.OK else _("Set both machines' clocks, for example with NTP.")
    return Check(_("Clock of the database"), level, _("%(seconds).0f s from this machine's") % {"seconds": off}, todo)


def _workers() -> Check:
    what, alive = _("Workers"), queue.live_workers(Crew.ALIVE_WITHIN_S)
    if alive:
        return Check(what, Level.OK, _("%(count)d alive") % {"count": alive})
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers")
        (silent,) = cursor.fetchone()
    says = (
        _("none is running")
        if silent is None
        else _("none is running; the last sign of life is %(age)s old") % {"age": output.duration(float(silent))}
    )
    return Check(what, Level.WARNING, says, _("Start one with `rokuon worker`, or everything with `rokuon up`."))


def _versions() -> Iterator[Check]:
    """Processes of another version that use this database: an upgrade that forgot one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT substr(application_name, %s) FROM pg_stat_activity
                WHERE datname = current_database() AND starts_with(application_name, %s) ORDER BY 1""",
            [len(APPLICATION) + 1, APPLICATION],
        )
        others = [version for (version,) in cursor.fetchall() if version != __version__]
    if others:
        yield Check(
            _("Versions"),
            Level.WARNING,
            _("this is Rokuon %(here)s, and processes of %(others)s use the same database")
            % {"here": __version__, "others": ", ".join(others)},
            _("Run the same version everywhere: end the old processes and start them anew."),
        )
    else:
        yield Check(_("Versions"), Level.OK, _("Rokuon %(here)s everywhere") % {"here": __version__})
