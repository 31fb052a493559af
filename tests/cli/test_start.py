"""What the command line says before anything can work. Each: a sentence, a documented exit code, nothing half-made."""

import shutil
from pathlib import Path

from cryptography.fernet import Fernet

from .conftest import Rokuon


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
    import psycopg

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
