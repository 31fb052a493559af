"""What the command line says before anything can work. Each: a sentence, a documented exit code, nothing half-made."""

import shutil
import time
from pathlib import Path

import psycopg
from cryptography.fernet import Fernet

from .conftest import Rokuon, wait_until


def test_help_lists_commands_and_exit_codes_in_both_languages(outer: Path) -> None:
    rokuon = Rokuon(outer)
    english = rokuon("--help")
    assert english.code == 0
    assert "Exit codes" in english.out
    assert "backup-now" in english.out
    japanese = rokuon("--help", LANG="ja_JP.UTF-8")
    assert "今すぐバックアップ" in japanese.out
    assert "終了コード" in japanese.out
    assert "Options" not in japanese.out


def test_unknown_command_and_option_are_usage_errors(outer: Path) -> None:
    rokuon = Rokuon(outer)
    assert rokuon("bakup").code == 2
    assert rokuon("init", "--nope").code == 2
    assert not rokuon.data.exists()


def test_a_mistyped_command_names_the_ones_that_were_meant(outer: Path) -> None:
    rokuon = Rokuon(outer)
    for typed, meant in (("bakup-now", "`rokuon backup-now`"), ("Status", "`rokuon status`"), ("link", "`rokuon admin-link`")):
        answer = rokuon(typed)
        assert (answer.code, f"Did you mean: {meant}?" in answer.err) == (2, True), answer.err
    below = rokuon("bucket", "verfy")
    assert (below.code, "Did you mean 'verify'?" in below.err) == (2, True), below.err
    japanese = rokuon("stauts", LANG="ja_JP.UTF-8")
    assert "次のいずれかですか: `rokuon status`" in japanese.err


def test_a_command_that_is_like_no_other_suggests_none(outer: Path) -> None:
    answer = Rokuon(outer)("zzz")
    assert (answer.code, "Did you mean" in answer.err, "`rokuon --help`" in answer.err) == (2, False, True)


def test_init_names_the_way_through_the_browser_and_the_one_through_the_terminal(outer: Path) -> None:
    answer = Rokuon(outer)("init")
    assert answer.code == 0
    for command in ("`rokuon up`", "`rokuon admin-link`", "`rokuon company add`"):
        assert command in answer.out


def test_every_command_refuses_a_missing_installation_and_creates_nothing(outer: Path) -> None:
    rokuon = Rokuon(outer)
    for command in (("status",), ("worker",), ("backup-now",), ("migrate",)):
        answer = rokuon(*command)
        assert (answer.code, answer.out) == (2, "")
        assert "rokuon init" in answer.err
    assert not rokuon.data.exists()


def test_init_twice_changes_nothing(empty: Rokuon) -> None:
    before = (empty.data / "master.key").read_bytes()
    answer = empty("init")
    assert answer.code == 0
    assert "nothing was changed" in answer.out
    assert (empty.data / "master.key").read_bytes() == before


def test_missing_or_foreign_master_key_is_refused_by_name(empty: Rokuon) -> None:
    key = empty.data / "master.key"
    kept = key.read_bytes()
    try:
        key.unlink()
        missing = empty("status")
        key.write_bytes(Fernet.generate_key())
        foreign = empty("status")
    finally:
        key.write_bytes(kept)
        key.chmod(0o600)
    assert missing.code == foreign.code == 2
    assert "master.key is missing" in missing.err
    assert "belongs to another installation" in foreign.err


def test_database_that_is_down_at_start_is_named_without_its_password(empty: Rokuon) -> None:
    answer = empty("status", ROKUON_DATABASE_URL="postgresql://rokuon:hush-hush@127.0.0.1:9/rokuon")
    assert answer.code == 2
    assert "ROKUON_DATABASE_URL" in answer.err
    assert "hush-hush" not in answer.err + answer.out


def test_unmigrated_database_asks_for_migrate(outer: Path, empty: Rokuon, embedded_dsn: str) -> None:
    name = "cli_unmigrated"
    with psycopg.connect(embedded_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        url = embedded_dsn.replace("/rokuon?", f"/{name}?")
        answer = empty("status", ROKUON_DATABASE_URL=url)
        assert answer.code == 2
        assert "rokuon migrate" in answer.err
        assert empty("migrate", ROKUON_DATABASE_URL=url).code == 0
        assert "no company yet" in empty("status", ROKUON_DATABASE_URL=url).err
    finally:
        with psycopg.connect(embedded_dsn, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_full_or_misspelt_settings_name_the_variable(outer: Path) -> None:
    rokuon = Rokuon(outer)
    assert "ROKUON_TRANSFERS" in rokuon("init", ROKUON_TRANSFERS="many").err
    assert "ROKUON_TRANSFERS" in rokuon("init", ROKUON_TRANSFER="8").err
    assert not rokuon.data.exists()


def test_init_refuses_a_folder_with_other_files(outer: Path) -> None:
    rokuon = Rokuon(outer)
    rokuon.data.mkdir()
    (rokuon.data / "diary.txt").write_text("mine")
    answer = rokuon("init")
    assert answer.code == 2
    assert [path.name for path in rokuon.data.iterdir()] == ["diary.txt"]
    shutil.rmtree(rokuon.data)


def test_two_inits_at_once_make_one_installation(outer: Path) -> None:
    rokuon = Rokuon(outer)
    both = [rokuon.start("init") for _ in range(2)]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted("nothing was changed" in out for out, _err in said) == [False, True]
    assert "no company yet" in rokuon("status").err


def test_migrate_waits_for_a_lock_longer_than_any_other_statement_may(empty: Rokuon, embedded_dsn: str) -> None:
    name = "cli_migrate_waits"
    with psycopg.connect(embedded_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    plain = embedded_dsn.replace("/rokuon?", f"/{name}?")
    short = f"{plain}&options=-c%20statement_timeout%3D500ms%20-c%20lock_timeout%3D100ms%20-c%20idle_in_transaction_session_timeout%3D500ms"
    try:
        with psycopg.connect(plain) as busy:
            busy.execute("CREATE TABLE django_migrations (id bigserial PRIMARY KEY, app varchar, name varchar, applied timestamptz)")
            busy.commit()
            busy.execute("LOCK TABLE django_migrations IN ACCESS EXCLUSIVE MODE")
            migrating = empty.start("migrate", ROKUON_DATABASE_URL=short)
            wait_until(lambda: _waits_for_a_lock(embedded_dsn, name), 60)
            time.sleep(1)
            assert migrating.poll() is None, migrating.communicate()
            busy.commit()
            _out, err = migrating.communicate(timeout=120)
        assert migrating.returncode == 0, err
    finally:
        with psycopg.connect(embedded_dsn, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _waits_for_a_lock(dsn: str, name: str) -> bool:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'", [name]).fetchone()
    return bool(row and row[0])
