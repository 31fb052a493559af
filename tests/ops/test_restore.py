"""A dump comes back whole into a new database, and never over one that is in use."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from tools import restore

from rokuon.domain.failures import ConfigError
from rokuon.ops.dumps import dump

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def databases(embedded_dsn: str) -> Iterator[tuple[str, str]]:
    """Two empty databases: one to dump, one to restore into."""
    names = ("restore_from", "restore_to")
    with psycopg.connect(embedded_dsn, autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name}")
    first, second = (embedded_dsn.replace("/rokuon?", f"/{name}?") for name in names)
    yield first, second
    with psycopg.connect(embedded_dsn, autocommit=True) as connection:
        for name in names:
            connection.execute(f"DROP DATABASE {name}")


def fill(dsn: str, *names: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS org_company (name text PRIMARY KEY)")
        for name in names:
            connection.execute("INSERT INTO org_company VALUES (%s)", [name])


def companies(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM org_company ORDER BY name")]


def test_what_was_dumped_comes_back_over_the_empty_tables_of_init(databases: tuple[str, str], tmp_path: Path) -> None:
    old, new = databases
    fill(old, "ロクオン商事")
    fill(new)
    restore.refuse_used(new)
    restore.restore(new, dump(old, tmp_path, now=NOW))
    assert companies(new) == ["ロクオン商事"]


def test_a_database_that_holds_a_company_is_refused(databases: tuple[str, str]) -> None:
    fill(databases[1], "acme")
    with pytest.raises(ConfigError, match="holds a company already"):
        restore.refuse_used(databases[1])


def test_a_damaged_dump_changes_nothing(databases: tuple[str, str], tmp_path: Path) -> None:
    old, new = databases
    fill(old, "one")
    fill(new, "two")
    path = dump(old, tmp_path, now=NOW)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ConfigError, match="nothing was changed"):
        restore.restore(new, path)
    assert companies(new) == ["two"]
