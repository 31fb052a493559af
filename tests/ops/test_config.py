from pathlib import Path

import pytest

from rokuon.config import Config
from rokuon.domain.failures import ConfigError


def test_every_field_is_documented() -> None:
    assert [name for name, field in Config.model_fields.items() if not (field.description or "").endswith((".", "well."))] == []


def test_no_environment_is_a_usable_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = Config.load({})
    assert config.embedded
    assert config.data_dir == tmp_path / "rokuon-data"
    assert config.master_key_file == config.data_dir / "master.key"
    assert config.spool_dir == config.data_dir / "spool"
    assert config.local_roots == (config.data_dir / "buckets",)
    assert list(tmp_path.iterdir()) == []


def test_paths_and_hosts_are_lists() -> None:
    config = Config.load({"ROKUON_LOCAL_ROOTS": "/srv/a:/srv/b", "ROKUON_ALLOWED_MEDIA_HOSTS": "Media.Example, b.example"})
    assert config.local_roots == (Path("/srv/a"), Path("/srv/b"))
    assert config.allowed_media_hosts == ("media.example", "b.example")


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("ROKUON_TRANSFERS", "many", "a whole number"),
        ("ROKUON_TRANSFERS", "0", "at least 1"),
        ("ROKUON_TRANSFERS", "1000", "at most 64"),
        ("ROKUON_MAX_RECORDING_BYTES", "1.5", "a whole number"),
        ("ROKUON_LOG_LEVEL", "loud", "one of these"),
        ("ROKUON_LANGUAGE", "fr", "one of these"),
        ("ROKUON_TIME_ZONE", "Mars/Olympus", "Asia/Tokyo"),
        ("ROKUON_TIME_ZONE", "../../etc/passwd", "Asia/Tokyo"),
        ("ROKUON_DATABASE_URL", "mysql://user:hunter2@host/name", "postgresql://user:password@host/name"),
        ("ROKUON_LOCAL_ROOTS", "buckets", "absolute"),
        ("ROKUON_CRASH_AT", "lunch:1", "stored:3"),
    ],
)
def test_a_bad_value_is_named_with_a_hint_in_one_sentence(name: str, value: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config.load({name: value})
    sentence = str(caught.value)
    assert sentence.startswith(name)
    assert hint in sentence
    assert sentence.endswith(".")
    assert "hunter2" not in sentence


def test_a_secret_may_stand_in_a_file_and_is_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text("postgresql://user:hunter2@host/name\n")
    config = Config.load({"ROKUON_DATABASE_URL_FILE": str(secret)})
    assert config.database_url
    assert config.database_url.get_secret_value() == "postgresql://user:hunter2@host/name"
    assert "hunter2" not in repr(config) + str(config.model_dump())


def test_a_secret_file_that_cannot_be_read_is_an_error_and_not_an_empty_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"ROKUON_DATABASE_URL_FILE names .* cannot be read: No such file"):
        Config.load({"ROKUON_DATABASE_URL_FILE": str(tmp_path / "none")})
    empty = tmp_path / "empty"
    empty.touch()
    with pytest.raises(ConfigError, match="ROKUON_DATABASE_URL"):
        Config.load({"ROKUON_DATABASE_URL_FILE": str(empty)})
    with pytest.raises(ConfigError, match="Set only one"):
        Config.load({"ROKUON_DATABASE_URL_FILE": str(empty), "ROKUON_DATABASE_URL": "postgresql:///x"})


def test_a_misspelt_name_is_an_error_and_a_platforms_own_name_is_not() -> None:
    with pytest.raises(ConfigError, match="Did you mean ROKUON_DATA_DIR"):
        Config.load({"ROKUON_DATADIR": "/data"})
    Config.load({"ROKUON_SERVICE_HOST": "10.0.0.1", "ROKUON_PORT_8000_TCP": "tcp://10.0.0.1:8000"})


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LC_ALL": "C", "LANG": "ja_JP.UTF-8"}, "en"),
        ({"ROKUON_LANGUAGE": "ja", "LC_ALL": "C"}, "ja"),
        ({"LANG": "de_DE"}, "en"),
    ],
)
def test_the_language_follows_the_environment(environ: dict[str, str], language: str) -> None:
    assert Config.load(environ).language == language
