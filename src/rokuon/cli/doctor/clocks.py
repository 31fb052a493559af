"""Checks of the clocks: this machine's against the database's, and times stored by a clock that was ahead."""

from collections.abc import Iterator
from datetime import datetime

from django.db import connection

from rokuon.base.i18n import _, ngettext
from rokuon.cli.support import output
from rokuon.cli.support.session import CliSession
from rokuon.domain.clocks import MOST_APART, is_future
from rokuon.runtime import dumps
from rokuon.runtime.database_clock import database_now

from .check import Check, Level

CLOCK_OFF_S = 5.0
NOTED = (
    ("ledger_run", "created_at"),
    ("ledger_run", "until"),
    ("ledger_coverage", "listed_at"),
    ("ledger_copy", "changed_at"),
    ("ledger_hold", "since"),
    ("events_hint", "received_at"),
    ("events_hook", "checked_at"),
    ("notify_notice", "opened_at"),
    ("notify_notice", "told_at"),
    ("notify_mail", "created_at"),
    ("org_company", "synced_at"),
    ("org_bucket", "verified_at"),
    ("org_target", "backed_up_at"),
    ("accounts_auditentry", "at"),
)
"""Columns with the time of an action: never in the future."""


def of_the_database(session: CliSession) -> Check:
    before, there, after = session.own_now(), database_now(), session.own_now()
    off = max(0.0, (before - there).total_seconds(), (there - after).total_seconds())
    stops = off > MOST_APART.total_seconds()
    level = Level.PROBLEM if stops else Level.WARNING if off > CLOCK_OFF_S else Level.OK
    todo = "" if level is Level.OK else _("Set both machines' clocks, for example with NTP.")
    if stops:
        todo += " " + _("A worker on this machine asks for no work until then.")
    return Check(_("Clock of the database"), level, _("%(seconds).0f s from this machine's") % {"seconds": off}, todo)


def future(session: CliSession) -> Iterator[Check]:
    """Yield one check if any stored time is in the future; nothing if all is well."""
    now = session.now()
    found: list[tuple[str, int, datetime]] = []
    with connection.cursor() as cursor:
        for table, column in NOTED:
            cursor.execute(f"SELECT count(*), max({column}) FROM {table} WHERE {column} > %s", [now + MOST_APART])  # noqa: S608 (constants)
            count, latest = cursor.fetchone()
            if count:
                found.append((f"{table}.{column}", count, latest))
    if session.config.embedded and session.config.dump_dir.is_dir():
        made = [at for at in map(dumps.made_at, dumps.dumps(session.config.dump_dir)) if is_future(at, now)]
        if made:
            found.append((str(session.config.dump_dir), len(made), max(made)))
    if not found:
        return
    total = sum(count for _where, count, _latest in found)
    latest = output.moment(max(latest for _where, _count, latest in found), session.config.time_zone)
    says = ngettext(
        "%(count)d was noted in the future, up to %(latest)s, by a clock that was ahead (%(where)s)",
        "%(count)d were noted in the future, up to %(latest)s, by a clock that was ahead (%(where)s)",
        total,
    ) % {"count": total, "latest": latest, "where": _(", ").join(where for where, _count, _latest in found)}
    todo = _(
        "Set the clock, for example with NTP. A worker takes such times for none and notes them again; what is only shown keeps its time. "
        "Back up now lists again the days that were listed meanwhile."
    )
    yield Check(_("Times in the future"), Level.WARNING, says, todo)
