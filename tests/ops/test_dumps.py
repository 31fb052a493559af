import fcntl
import stat
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from rokuon.domain.failures import ConfigError
from rokuon.runtime import pg_programs
from rokuon.runtime.dumps import dump, dumps, nightly

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def table(embedded_dsn: str) -> Iterator[str]:
    with psycopg.connect(embedded_dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE dumped (name text)")
        connection.execute("INSERT INTO dumped VALUES ('録音')")
    yield embedded_dsn
    with psycopg.connect(embedded_dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE dumped")


def test_a_dump_restores_what_was_there(table: str, tmp_path: Path) -> None:
    path = dump(table, tmp_path / "dumps", now=NOW)
    assert path.name == "rokuon-20261122T030000Z.dump"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    listed = subprocess.run([pg_programs.program("pg_restore"), "-f", "-", path], capture_output=True, text=True, check=True)
    assert "録音" in listed.stdout


def test_dumps_are_kept_for_their_days_and_other_files_for_ever(table: str, tmp_path: Path) -> None:
    for age in range(20, 0, -1):
        (tmp_path / f"rokuon-{(NOW - timedelta(days=age)).strftime('%Y%m%dT%H%M%SZ')}.dump").touch()
    (tmp_path / "rokuon-by-hand.dump").touch()
    (tmp_path / "rokuon-20261101T000000Z.dump.partial").touch()
    dump(table, tmp_path, now=NOW, keep_days=7)
    assert len(dumps(tmp_path)) == 8
    assert (tmp_path / "rokuon-by-hand.dump").exists()
    assert list(tmp_path.glob("*.partial")) == []


def test_a_failed_dump_removes_no_older_one_and_leaves_no_half_one(tmp_path: Path) -> None:
    old = tmp_path / "rokuon-20260101T000000Z.dump"
    old.touch()
    with pytest.raises(ConfigError, match="older dumps are kept"):
        dump("postgresql://rokuon:hunter2@127.0.0.1:1/rokuon", tmp_path, now=NOW)
    assert list(tmp_path.iterdir()) == [old]


def test_a_nightly_dump_is_made_once_a_day_and_by_one_process_at_a_time(table: str, tmp_path: Path) -> None:
    folder = tmp_path / "dumps"
    assert nightly(table, folder, now=NOW) is not None
    assert nightly(table, folder, now=NOW + timedelta(hours=23)) is None
    with (folder / ".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert nightly(table, folder, now=NOW + timedelta(hours=25)) is None
    assert nightly(table, folder, now=NOW + timedelta(hours=25)) is not None
    assert len(dumps(folder)) == 2
