"""A dump comes back whole into a new database, and never over one that is in use."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.test import Client
from tools import restore

from rokuon.accounts import handed_out, links, throttle
from rokuon.accounts.models import Link, Person
from rokuon.config import Config
from rokuon.domain.failures import ConfigError
from rokuon.notify.models import Mail
from rokuon.notify.recipients import refused_of
from rokuon.runtime import installation
from rokuon.runtime.dumps import dump
from rokuon.runtime.mail import SET_ASIDE
from rokuon.runtime.mail_words import Then, in_words

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
    restore.restore(new, dump(old, tmp_path, now=NOW), now=NOW)
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
        restore.restore(new, path, now=NOW)
    assert companies(new) == ["two"]


@pytest.fixture
def people(database_url: str) -> str:
    """The address of a database in which someone is signed in, holds links, and was stopped from guessing."""
    person = Person.objects.create(email="hanako@example.com")
    gone = Person.objects.create(email="taro@example.com")
    links.make(person, Link.Kind.SIGN_IN, Link.Handed.OPERATOR, NOW)
    links.make(gone, Link.Kind.INVITATION, Link.Handed.MAIL, NOW)
    browser = Client()
    browser.force_login(person)
    throttle.take({"account:x": throttle.ACCOUNT}, NOW)
    handed_out.begin(person, "recording.play", 1, 0, 10, NOW)
    return database_url


def rows(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        return list(connection.execute(query))


ALIVE = "SELECT (SELECT count(*) FROM accounts_session) + (SELECT count(*) FROM accounts_link) + (SELECT count(*) FROM accounts_throttle)"


def test_nothing_that_lets_somebody_in_comes_back_to_life(people: str, databases: tuple[str, str], tmp_path: Path) -> None:
    path = dump(people, tmp_path, now=NOW)
    assert rows(people, ALIVE) == [(4,)]
    restore.restore(databases[1], path, now=NOW + timedelta(days=2))
    assert rows(databases[1], ALIVE) == [(0,)]
    assert rows(databases[1], "SELECT count(*) FROM accounts_handedout") == [(0,)]
    assert rows(databases[1], "SELECT email FROM accounts_person ORDER BY email") == [("hanako@example.com",), ("taro@example.com",)]
    assert restore.able_to_sign_in(databases[1]) == 2
    (entry,) = rows(databases[1], "SELECT at, company_id, actor, action, subject, after FROM accounts_auditentry")
    assert entry == (
        NOW + timedelta(days=2),
        None,
        "command line",
        "installation.restore",
        "rokuon-20261122T030000Z.dump",
        {"dump": "2026-11-22 03:00 UTC"},
    )


def test_mails_that_waited_when_the_dump_was_made_do_not_go_twice(people: str, databases: tuple[str, str], tmp_path: Path) -> None:
    fresh, tried, sent, refused = (mail(number) for number in range(4))
    tried.due_at, tried.tries, tried.error = NOW + timedelta(hours=1), 3, "server:timeout"
    sent.due_at, sent.sent_at = None, NOW
    refused.due_at, refused.refused_at, refused.error = None, NOW, "address:550"
    for each in (fresh, tried, sent, refused):
        each.save()
    restore.restore(databases[1], dump(people, tmp_path, now=NOW), now=NOW + timedelta(days=2))
    told = {to: (due, sent, error) for to, due, sent, error in rows(databases[1], 'SELECT "to", due_at, sent_at, error FROM notify_mail')}
    assert told == {
        fresh.to: (None, None, str(SET_ASIDE)),
        tried.to: (None, None, str(SET_ASIDE)),
        sent.to: (None, NOW, ""),
        refused.to: (None, None, "address:550"),
    }
    assert restore.set_aside(databases[1]) == 2
    assert "not sent again" in in_words(str(SET_ASIDE), Then.GIVEN_UP)
    # What was set aside says nothing about who should have read it.
    Mail.objects.filter(due_at__isnull=False).update(due_at=None, refused_at=NOW, error=str(SET_ASIDE))
    assert set(refused_of([fresh.to, tried.to, refused.to], NOW)) == {refused.to}


def mail(number: int) -> Mail:
    return Mail(occasion="trial", to=f"{number}@example.com", language="en", letter={}, created_at=NOW, due_at=NOW)


def test_where_the_end_of_sessions_and_links_fails_nothing_is_restored(people: str, databases: tuple[str, str], tmp_path: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """CREATE FUNCTION no_deletion() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'links stay'; END $$;
               CREATE TRIGGER no_deletion BEFORE DELETE ON accounts_link EXECUTE FUNCTION no_deletion()"""
        )
    try:
        path = dump(people, tmp_path, now=NOW)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER no_deletion ON accounts_link; DROP FUNCTION no_deletion()")
    with pytest.raises(ConfigError, match=r"nothing was changed.*links stay"):
        restore.restore(databases[1], path, now=NOW)
    assert rows(databases[1], "SELECT to_regclass('accounts_person'), to_regclass('accounts_session')") == [(None, None)]


def test_a_name_of_a_dump_is_text_whatever_it_holds(people: str, databases: tuple[str, str], tmp_path: Path) -> None:
    path = dump(people, tmp_path, now=NOW)
    odd = path.rename(tmp_path / "it's $ending$ \\ ; DROP TABLE accounts_person; --.dump")
    restore.restore(databases[1], odd, now=NOW)
    assert rows(databases[1], "SELECT subject, after->>'dump' FROM accounts_auditentry") == [(odd.name, "the dump was made")]


def test_what_must_be_done_again_is_said(
    people: str, databases: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mail(1).save()
    path = dump(people, tmp_path, now=NOW)
    monkeypatch.setenv("ROKUON_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ROKUON_DATABASE_URL", databases[1])
    installation.init(Config.load())
    assert restore.main([str(path)]) == 0
    said = capsys.readouterr().out
    for words in (
        "2 people can sign in",
        "1 mail waited in it",
        "after 2026-11-22 03:00 UTC",
        "disable the people",
        "roles that were removed",
        "passwords that were changed",
        "recovery codes",
        "API keys and bucket credentials",
        "rokuon admin-link",
    ):
        assert words in said
    assert restore.main([str(tmp_path / "none.dump")]) == 2
