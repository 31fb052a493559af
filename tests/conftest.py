"""Tests need nothing installed: an embedded PostgreSQL of their own starts when the first of them asks for a database.

`HYPOTHESIS_PROFILE=fuzz` runs each property test on thousands of inputs. None is timed: the machine may be busy.
"""

import gc
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.utils import translation
from hypothesis import HealthCheck, settings

from rokuon.runtime import cluster, postgres
from tests import empty_tables, template

settings.register_profile("quick", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("fuzz", parent=settings.get_profile("quick"), max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


CHECKOUT_IS_OPEN = all(folder.stat().st_mode & stat.S_IXOTH for folder in Path(sys.prefix).resolve().parents)
"""Whether other users of the machine may run what is installed here. They may not in /root of a fresh server."""


def short_folder() -> Path:
    """A new folder directly under /tmp, which the database's user may pass through also when the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="rokuon-test-", dir="/tmp"))
    folder.chmod(0o711)
    return folder


@pytest.fixture(autouse=True)
def default_language() -> Iterator[None]:
    """Each test begins in the default language: a page that was asked for in another leaves its thread in that one (Django sets
    the language of a request and does not take it back)."""
    yield
    translation.deactivate()


@pytest.fixture(scope="session", autouse=True)
def static_files_listed_once() -> None:
    """A server makes its middleware once; Django's test client makes it for each client. Listing the installed files each time took a
    tenth of the processor's time in `tests/console`."""
    from whitenoise.middleware import WhiteNoiseMiddleware

    listed: dict[str, object] = {}
    list_files = WhiteNoiseMiddleware.add_files_from_finders

    def once(middleware: WhiteNoiseMiddleware) -> None:
        if not listed:
            list_files(middleware)
            listed.update(middleware.files)
        middleware.files.update(listed)

    WhiteNoiseMiddleware.add_files_from_finders = once


@pytest.fixture
def outer() -> Iterator[Path]:
    """A folder to put data folders into. pytest's own tmp_path is closed to the database's user when the tests run as root."""
    folder = short_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def embedded_dsn() -> Iterator[str]:
    """A running server for the whole session, with an initialised database. A power cut may harm it; the tests of durability make
    their own."""
    folder = short_folder()
    template.copy_to(folder / "data")
    with postgres.ensure_running(folder / "data", durable=False) as server:
        with psycopg.connect(cluster.dsn(folder / "data", user="postgres"), autocommit=True) as superuser:
            superuser.execute(empty_tables.MAY_PASS_OVER_TRIGGERS)
        yield server.dsn
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(embedded_dsn: str) -> None:
    """pytest-django asks for this before it creates the test database."""
    from django.contrib.contenttypes.management import create_contenttypes
    from django.db import connections
    from django.db.models.signals import post_migrate

    from rokuon.runtime.django_start import django_database

    settings = connections["default"].settings_dict
    settings.update(django_database(embedded_dsn))
    settings["TEST"]["TEMPLATE"] = settings["NAME"]
    # Rows that nothing of ours reads.
    post_migrate.disconnect(create_contenttypes)
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")
    empty_tables.install()


@pytest.fixture
def database_url(embedded_dsn: str, transactional_db: None) -> str:
    """The test database for another process: hand it over as ROKUON_DATABASE_URL."""
    from django.db import connection

    return embedded_dsn.replace("/rokuon?", f"/{connection.settings_dict['NAME']}?")


# Until the tests are collected: nothing of that is ever garbage. In a run of the whole suite, looking through it again and again took a
# third of the processor's time.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_configure() -> None:
    # A developer's own installation is not what the tests are about.
    for name in [name for name in os.environ if name.startswith("ROKUON_")]:
        del os.environ[name]
    # Processes that tests start in other folders find the same source.
    source = str(Path(__file__).resolve().parent.parent / "src")
    # ... and compile it once.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPATH"] = os.pathsep.join([source, *filter(None, [os.environ.get("PYTHONPATH")])])
