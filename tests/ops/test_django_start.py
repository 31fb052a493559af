import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from rokuon.runtime.django_start import django_database


@pytest.mark.django_db
def test_the_test_database_is_postgresql_18_and_not_a_superusers() -> None:
    with connection.cursor() as cursor:
        names = ("server_version_num", "is_superuser", "lock_timeout")
        cursor.execute("SELECT current_setting(name) FROM unnest(%s::text[]) WITH ORDINALITY AS wanted (name, n) ORDER BY n", [list(names)])
        version, superuser, lock_timeout = (row[0] for row in cursor.fetchall())
    assert version.startswith("18")
    assert (superuser, lock_timeout) == ("off", "20s")


def test_another_process_reaches_the_test_database(database_url: str) -> None:
    code = (
        "from rokuon.runtime.django_start import start_django; start_django(); start_django()\n"
        "from django.db import connection\n"
        "print(connection.cursor().execute('SELECT current_database()').fetchone()[0])"
    )
    environment = {**os.environ, "ROKUON_DATABASE_URL": database_url}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == connection.settings_dict["NAME"]


def test_settings_import_without_environment_or_installation(tmp_path: Path) -> None:
    code = "import rokuon.settings as s; print(len(s.SECRET_KEY) > 40, s.DATABASES['default']['HOST'].endswith('/rokuon-data/socket'))"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ROKUON_")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, cwd=str(tmp_path))
    assert done.stdout.split() == ["True", "True"]
    assert not (tmp_path / "rokuon-data").exists()


def test_a_connection_string_keeps_what_it_says_itself() -> None:
    entry = django_database("postgresql://me:pw@db.example:6432/calls?sslmode=verify-full&options=-c%20lock_timeout%3D1s")
    assert (entry["HOST"], entry["PORT"], entry["USER"], entry["PASSWORD"], entry["NAME"]) == ("db.example", "6432", "me", "pw", "calls")
    assert entry["OPTIONS"]["sslmode"] == "verify-full"
    assert entry["OPTIONS"]["options"].endswith("lock_timeout=1s")
