"""`rokuon init` and `rokuon migrate`."""

import time
from typing import Any

import click

from rokuon.base.i18n import _
from rokuon.config import Config
from rokuon.runtime.django_start import start_django
from rokuon.runtime.installation import init as make_installation
from rokuon.runtime.installation import open_installation

from .support.commands import Command

MIGRATING = 0x726F6B756F6E
"""The advisory lock of a migrating process; the end of the connection releases it."""
LOCK_POLL_S = 0.2


@click.command(
    cls=Command,
    help=_(
        "Make a new installation: data folder, master key and database. Nothing that exists is changed; an interrupted init is "
        "finished by the next one."
    ),
)
def init_command() -> None:
    config = Config.load()
    report = make_installation(config)
    with open_installation(config):
        bring_up_to_date()
    for sentence in report.sentences:
        click.echo(sentence)
    if report.created:
        click.echo(
            _("Next, in the browser: start the console with `rokuon up`, and sign in with the link that `rokuon admin-link` prints.")
        )
        click.echo(_("Or in this terminal: add your company with `rokuon company add`."))


@click.command(cls=Command, help=_("Bring the database to this version of Rokuon. Needed after an upgrade; harmless at any time."))
def migrate_command() -> None:
    with open_installation(Config.load()):
        changed = bring_up_to_date()
    click.echo(
        _("The database was brought to this version of Rokuon.") if changed else _("The database is up to date; nothing was changed.")
    )


def bring_up_to_date() -> bool:
    """Apply missing migrations; return whether there were any. Two at once wait for each other, however long one takes: the limits on
    normal statements do not apply here. Raises DatabaseNewer."""
    start_django()
    from django.core.management import call_command
    from django.db import connection, connections

    from rokuon.runtime.schema_version import lacks_migrations

    try:
        with connection.cursor() as cursor:
            for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                cursor.execute(f"SET {limit} = 0")
            # Polled: an index that is built concurrently waits for every running statement, also for one that waits for this lock.
            while not _locks(cursor):
                time.sleep(LOCK_POLL_S)
        pending = lacks_migrations()
        if pending:
            call_command("migrate", interactive=False, verbosity=0)
        return pending
    finally:
        connections.close_all()


def _locks(cursor: Any) -> bool:
    """Take the lock of a migrating process if no other process has it; return whether it was taken."""
    cursor.execute("SELECT pg_try_advisory_lock(%s)", [MIGRATING])
    taken: bool = cursor.fetchone()[0]
    return taken
