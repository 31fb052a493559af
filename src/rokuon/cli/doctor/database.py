"""Checks of the database, and of the workers that it knows."""

from collections.abc import Iterator

from django.db import connection

from rokuon import __version__
from rokuon.base.i18n import _, ngettext
from rokuon.cli.support import output
from rokuon.cli.support.ensure_worker import EnsuredWorker
from rokuon.cli.support.session import CliSession
from rokuon.jobs import queue
from rokuon.runtime.django_start import APPLICATION
from rokuon.runtime.schema_version import DatabaseNewer, DatabaseOlder, require_same

from . import clocks
from .check import Check, Level

SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")
FEW_CONNECTIONS, NO_CONNECTIONS = 10, 3
"""A worker process uses up to six connections, a process of the console one per thread that answers."""


def database_checks(session: CliSession) -> Iterator[Check]:
    yield from _server(session)
    yield _connections()
    yield clocks.of_the_database(session)
    what = _("Migrations")
    try:
        require_same()
    except DatabaseOlder:
        yield Check(what, Level.PROBLEM, _("the database is older than this Rokuon"), _("Run `rokuon migrate`."), stops=True)
        return
    except DatabaseNewer as newer:
        yield Check(what, Level.PROBLEM, _("the database is newer than this Rokuon"), str(newer), stops=True)
        return
    yield Check(what, Level.OK, _("up to date"))
    yield from clocks.future(session)
    yield _workers()
    yield from _versions()


def _server(session: CliSession) -> Iterator[Check]:
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
            _("%(names)s is off: a power cut could lose verified recordings") % {"names": _(", ").join(off)},
            _("Set it to on in the database's configuration."),
        )


def _connections() -> Check:
    """Check how many more connections the server, the database and the role allow."""
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
    return Check(_("Connections of the database"), level, ngettext("%(count)d is left", "%(count)d are left", left) % {"count": left}, todo)


def _workers() -> Check:
    what, alive = _("Workers"), queue.live_workers(EnsuredWorker.ALIVE_WITHIN_S)
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
    """Find processes of another version that use this database: an upgrade left them behind."""
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
            % {"here": __version__, "others": _(", ").join(others)},
            _("Run the same version everywhere: end the old processes and start them again."),
        )
    else:
        yield Check(_("Versions"), Level.OK, _("Rokuon %(here)s everywhere") % {"here": __version__})
