"""Empties the test database after a test with transactions.

Django truncates every table, which makes and removes hundreds of files each time. Here only rows are deleted, of the tables that have
any; triggers and foreign keys are passed over meanwhile, because nothing remains that they could protect.
"""

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase

MAY_PASS_OVER_TRIGGERS = "GRANT SET ON PARAMETER session_replication_role TO rokuon"
"""A superuser of the test server runs this once."""

QUEUE = ("procrastinate_events", "procrastinate_periodic_defers", "procrastinate_jobs", "procrastinate_workers")
"""Tables that Django does not manage, and would leave as they are."""

_tables: dict[str, list[str]] = {}


def install() -> None:
    """Let Django's and pytest's tests with transactions end so."""
    TransactionTestCase._fixture_teardown = _teardown  # type: ignore[attr-defined]


def _teardown(test: TransactionTestCase) -> None:
    for name in test._databases_names(include_mirrors=False):  # type: ignore[attr-defined]
        empty(connections[name])


def empty(connection: BaseDatabaseWrapper) -> None:
    """Remove all rows but those of the migrations. Sequences go on."""
    database = connection.settings_dict["NAME"]
    if database not in _tables:
        _tables[database] = [*connection.introspection.django_table_names(only_existing=True, include_views=False), *QUEUE]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")" for table in _tables[database]))
        filled = [f'"{table}"' for (table,) in cursor.fetchall()]
        if filled:
            deleted = "; ".join(f"DELETE FROM {table}" for table in filled)
            cursor.execute(f"BEGIN; SET LOCAL session_replication_role = replica; {deleted}; COMMIT")
            # Else the next tests read the dead rows of all tests before them.
            cursor.execute(f"VACUUM {', '.join(filled)}")
