"""A dump that takes long: it ends when its process is asked to stop, and with it however that ends. Held up by a lock on a table."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from rokuon.runtime.dumps import DumpStopped, dump, dumps, nightly

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def held_up(embedded_dsn: str) -> Iterator[str]:
    with psycopg.connect(embedded_dsn) as connection:
        connection.execute("CREATE TABLE held_up (name text)")
        connection.commit()
        connection.execute("LOCK TABLE held_up IN ACCESS EXCLUSIVE MODE")
        yield embedded_dsn
        connection.rollback()
        connection.execute("DROP TABLE held_up")


def dumping(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump'").fetchone()
    return row[0] if row else 0


def wait_for(dsn: str, dumps_going_on: int) -> None:
    for _ in range(200):
        if dumping(dsn) == dumps_going_on:
            return
        time.sleep(0.1)
    raise AssertionError(f"{dumping(dsn)} dumps go on")


def test_a_dump_that_is_asked_to_stop_ends_and_leaves_nothing(held_up: str, tmp_path: Path) -> None:
    stop, ended = threading.Event(), []

    def work() -> None:
        with pytest.raises(DumpStopped):
            dump(held_up, tmp_path, now=NOW, stop=stop)
        ended.append(True)

    making = threading.Thread(target=work)
    making.start()
    wait_for(held_up, 1)
    stop.set()
    making.join(10)
    assert ended == [True]
    wait_for(held_up, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_dump_ends_with_a_process_that_is_killed(held_up: str, tmp_path: Path) -> None:
    script = f"""
from datetime import UTC, datetime
from pathlib import Path
from rokuon.runtime.dumps import dump
dump({held_up!r}, Path({str(tmp_path)!r}), now=datetime.now(UTC))
"""
    process = subprocess.Popen([sys.executable, "-c", script], env=os.environ)
    wait_for(held_up, 1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(held_up, 0)
    assert dumps(tmp_path) == []


def test_no_dump_counts_that_is_older_than_what_it_must_hold(embedded_dsn: str, tmp_path: Path) -> None:
    assert nightly(embedded_dsn, tmp_path, now=NOW) is not None
    later = NOW + timedelta(minutes=10)
    assert nightly(embedded_dsn, tmp_path, now=later, outdated_by=NOW - timedelta(minutes=1)) is None
    assert nightly(embedded_dsn, tmp_path, now=later, outdated_by=NOW + timedelta(minutes=1)) is not None
    assert nightly(embedded_dsn, tmp_path, now=later, outdated_by=NOW + timedelta(minutes=1)) is None


def test_a_dump_of_a_time_to_come_counts_as_none(embedded_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "rokuon-20361122T030000Z.dump").touch()
    assert nightly(embedded_dsn, tmp_path, now=NOW) is not None
    assert nightly(embedded_dsn, tmp_path, now=NOW + timedelta(hours=1)) is None
