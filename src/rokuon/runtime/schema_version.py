"""Whether this version of Rokuon made the database, or an older one, or a newer one, which must not be used from here."""

from functools import cache

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from rokuon.base.i18n import _
from rokuon.domain.failures import ConfigError

OWN = "rokuon."


class DatabaseOlder(ConfigError):
    """The database lacks migrations that this version has, or is empty."""


class DatabaseNewer(ConfigError):
    """Migrations were applied that this version does not know: it would overlook or break what they changed."""


def require_same() -> None:
    """Raises DatabaseOlder or DatabaseNewer."""
    if lacks_migrations():
        raise DatabaseOlder(_("The database was made by an older version of Rokuon, or is still empty. Run `rokuon migrate`."))


def lacks_migrations() -> bool:
    """Whether the database needs to be migrated to this version. Raises DatabaseNewer."""
    require_no_newer()
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def require_no_newer() -> None:
    """Raises DatabaseNewer. One small query, so a process may call it repeatedly: the migrations on the disk are read once."""
    ours, known = _on_disk()
    applied = MigrationRecorder(connection).applied_migrations()
    unknown = sorted(f"{app}.{name}" for app, name in applied if app in ours and (app, name) not in known)
    if unknown:
        raise DatabaseNewer(
            _(
                "The database was made by a newer version of Rokuon, which knows %(migration)s. Install that version here too; nothing was "
                "changed. To go back to this one, restore a dump that it made."
            )
            % {"migration": unknown[-1]}
        )


@cache
def _on_disk() -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """Return Rokuon's own apps, and the migrations that this process was started with."""
    migrations = MigrationLoader(None).disk_migrations
    known = {*migrations, *(old for migration in migrations.values() for old in migration.replaces)}
    ours = {app for (app, _name), one in migrations.items() if type(one).__module__.startswith(OWN)}
    return frozenset(ours), frozenset(known)
