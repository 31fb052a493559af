"""Set up Django once per process, for the database of a DSN."""

import os
from typing import Any

from psycopg import conninfo

from rokuon import __version__

APPLICATION = "rokuon "
"""The name, followed by the version, under which the server lists our processes: `rokuon doctor` reads the running versions there."""

OPTION_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}

# Limits on the cost of a lost peer or a forgotten transaction.
SESSION_OPTIONS = "-c statement_timeout=120s -c lock_timeout=20s -c idle_in_transaction_session_timeout=30s"


def django_database(dsn: str) -> dict[str, Any]:
    """Return Django's DATABASES entry for a PostgreSQL connection string. Options in the string take precedence."""
    given: dict[str, Any] = dict(conninfo.conninfo_to_dict(dsn))
    named = {OPTION_NAMES[key]: str(given.pop(key)) for key in tuple(given) if key in OPTION_NAMES}
    given["options"] = f"{SESSION_OPTIONS} {given.get('options', '')}".strip()
    options = {
        "application_name": f"{APPLICATION}{__version__}",
        "connect_timeout": 10,
        "keepalives_idle": 30,
        "keepalives_count": 3,
        **given,
    }
    return {
        "ENGINE": "django.db.backends.postgresql",
        # Long-lived workers keep their connection; each job checks it first, because the server may have been restarted.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        **named,
        "OPTIONS": options,
    }


def start_django() -> None:
    """Set up Django; safe to call more than once. Reads the environment through `rokuon.settings`; opens no connection."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rokuon.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
