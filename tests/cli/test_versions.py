"""A database that a newer version of Rokuon made, and disks that are full: a sentence, and nothing is changed."""

from collections.abc import Iterator

import psycopg
import pytest

from rokuon.runtime import cluster

from .conftest import Rokuon, wait_until


@pytest.fixture
def newer(ready: Rokuon) -> Iterator[Rokuon]:
    with psycopg.connect(cluster.dsn(ready.data), autocommit=True) as connection:
        connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('ledger', '9001_of_the_future', now())")
        yield ready
        connection.execute("DELETE FROM django_migrations WHERE name = '9001_of_the_future'")


@pytest.mark.parametrize("command", ["status", "worker", "up", "serve", "migrate", "backup-now", "init"])
def test_an_older_version_refuses_a_newer_database(newer: Rokuon, command: str) -> None:
    answer = newer(command)
    assert (answer.code, "newer version of Rokuon" in answer.err, "ledger.9001_of_the_future" in answer.err) == (2, True, True), answer.err
    assert "Traceback" not in answer.err


def test_a_running_worker_stops_with_the_reason_when_the_database_becomes_newer(ready: Rokuon) -> None:
    process = ready.start("worker", "--one")
    with psycopg.connect(cluster.dsn(ready.data), autocommit=True) as connection:
        wait_until(lambda: bool(connection.execute("SELECT 1 FROM procrastinate_workers").fetchone()), 60)
        connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('ledger', '9001_of_the_future', now())")
        try:
            _out, err = process.communicate(timeout=60)
        finally:
            process.kill()
            connection.execute("DELETE FROM django_migrations WHERE name = '9001_of_the_future'")
        assert connection.execute("SELECT count(*) FROM procrastinate_workers").fetchone() == (0,), "it took its leave"
    assert (process.returncode, "ledger.9001_of_the_future" in err, "Traceback" in err) == (2, True, False), err


def test_doctor_names_a_newer_database_as_a_problem(newer: Rokuon) -> None:
    found = newer("doctor", "--json").json
    assert [check["says"] for check in found["checks"] if check["what"] == "Migrations"] == ["the database is newer than this Rokuon"]


def test_migrations_of_others_are_no_newer_version(ready: Rokuon) -> None:
    with psycopg.connect(cluster.dsn(ready.data), autocommit=True) as connection:
        connection.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('another_app', '0001_initial', now())")
        assert ready("company", "list").code == 0
        connection.execute("DELETE FROM django_migrations WHERE app = 'another_app'")


FULL = """
CREATE FUNCTION pg_temp_full() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'could not extend file' USING ERRCODE = '{code}'; END $$
"""


@pytest.mark.parametrize(
    ("code", "said"),
    [("53100", "disk is full"), ("58030", "could not read or write its disk"), ("53200", "memory"), ("23503", "removed by someone else")],
)
def test_a_database_without_room_is_a_sentence_in_status_and_doctor(ready: Rokuon, code: str, said: str) -> None:
    """The table of companies is replaced by one whose reading fails as it does on such a disk."""
    with psycopg.connect(cluster.dsn(ready.data), autocommit=True) as connection:
        connection.execute(FULL.format(code=code))  # type: ignore[arg-type]
        connection.execute("ALTER TABLE org_company RENAME TO org_company_there")
        connection.execute("CREATE VIEW org_company AS SELECT * FROM org_company_there WHERE pg_temp_full() = 1")
        try:
            status, doctor = ready("status"), ready("doctor")
        finally:
            connection.execute("DROP VIEW org_company")
            connection.execute("ALTER TABLE org_company_there RENAME TO org_company")
            connection.execute("DROP FUNCTION pg_temp_full")
    assert (status.code, said in status.err, "Traceback" in status.err) == (1, True, False), status.err
    assert (doctor.code, said in doctor.out, "Traceback" in doctor.err) == (1, True, False), doctor.out + doctor.err
