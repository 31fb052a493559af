"""Django, set up once per process, for the database that a DSN names."""

import os
from typing import Any

from psycopg import conninfo

from rokuon import __version__

APPLICATION = "rokuon "
"""Before its version, the name by which the server knows each process of ours: `rokuon doctor` sees there which versions run."""

OPTION_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}

# What a lost peer or a forgotten transaction may cost at most.
SESSION_OPTIONS = "-c statement_timeout=120s -c lock_timeout=20s -c idle_in_transaction_session_timeout=30s"


def django_database(dsn: str) -> dict[str, Any]:
    """Django's DATABASES entry of a PostgreSQL connection string. What the string sets itself wins."""
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
        # Long-lived workers keep their connection; each job looks at it first, because the server may have been restarted.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        **named,
        "OPTIONS": options,
    }


def start_django() -> None:
    """Safe to call more than once. Reads the environment through `rokuon.settings`; opens no connection."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rokuon.settings")
    import django
    from django.apps import apps

    if not apps.ready:
        django.setup()
