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
        ("ROKUON_TRANSFERS", "many", "a whole number between 1 and 64"),
        ("ROKUON_TRANSFERS", "0", "between 1 and 64"),
        ("ROKUON_TRANSFERS", "1000", "between 1 and 64"),
        ("ROKUON_MEMORY_BUDGET_BYTES", "1", "at least 1048576"),
        ("ROKUON_MAX_RECORDING_BYTES", "1.5", "a whole number"),
        ("ROKUON_LOG_LEVEL", "loud", "one of these"),
        ("ROKUON_LANGUAGE", "fr", "one of these"),
        ("ROKUON_TIME_ZONE", "Mars/Olympus", "Asia/Tokyo"),
        ("ROKUON_TIME_ZONE", "../../etc/passwd", "Asia/Tokyo"),
        ("ROKUON_DATABASE_URL", "mysql://user:hunter2@host/name", "postgresql://user:password@host/name"),
        ("ROKUON_LOCAL_ROOTS", "buckets", "absolute"),
        ("ROKUON_CRASH_AT", "lunch:1", "stored:3"),
        ("ROKUON_LISTEN", "8377", "127.0.0.1:8377"),
        ("ROKUON_LISTEN", "127.0.0.1:0", "127.0.0.1:8377"),
        ("ROKUON_LISTEN", "127.0.0.1:99999", "127.0.0.1:8377"),
        ("ROKUON_PUBLIC_URL", "rokuon.example.com", "https://rokuon.example.com"),
        ("ROKUON_PUBLIC_URL", "http://rokuon.example.com", "plain http only for this machine"),
        ("ROKUON_PUBLIC_URL", "https://rokuon.example.com/backup", "https://rokuon.example.com"),
        ("ROKUON_PUBLIC_URL", "https://hunter2@rokuon.example.com", "https://rokuon.example.com"),
        ("ROKUON_PUBLIC_URL", "https://rokuon.example.com\n.evil.example", "https://rokuon.example.com"),
        ("ROKUON_TRUSTED_PROXIES", "10.0.0.5, proxy.example", "10.0.0.0/24"),
        ("ROKUON_TRUSTED_PROXIES", "10.0.0.5/8", "10.0.0.0/24"),
        ("ROKUON_SMTP_URL", "https://user:hunter2@mail.example", "smtp://"),
        ("ROKUON_SMTP_URL", "smtp://user:hunter2@mail.example?tls=maybe", "starttls, tls or none"),
        ("ROKUON_SMTP_URL", "smtp://user:hunter2@mail.example?tls=none", "unencrypted"),
        ("ROKUON_SMTP_URL", "smtp://user:hunter2%C3%A4@mail.example", "ASCII"),
        ("ROKUON_SMTP_URL", "smtp://%E6%97%A5:hunter2@mail.example", "ASCII"),
        ("ROKUON_SMTP_URL", "smtp://user:hunter2@mail..example", "smtp://"),
        ("ROKUON_MAIL_FROM", "Rokuon", "a mail address"),
        ("ROKUON_METRICS_TOKEN", "hunter2", "at least 20"),
        ("ROKUON_METRICS_TOKEN", "hunter2 hunter2 hunter2", "without spaces"),
        ("ROKUON_MAIL_FROM", "rokuon@example.com\nBcc: all@example.com", "a mail address"),
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


def test_the_console_is_for_this_machine_alone_until_somebody_says_where_it_is_reached() -> None:
    config = Config.load({})
    assert (config.listens.loopback, config.public.origin, config.public.secure) == (True, "http://127.0.0.1:8377", False)
    assert set(config.public.hosts) == {"127.0.0.1", "localhost", "[::1]"}
    assert Config.load({"ROKUON_LISTEN": "0.0.0.0:9000"}).public.origin == "http://localhost:9000"
    told = Config.load({"ROKUON_PUBLIC_URL": "https://Rokuon.Example.com:8443/"}).public
    assert (told.origin, told.hosts, told.secure) == ("https://rokuon.example.com:8443", ("rokuon.example.com",), True)


def test_a_mail_server_is_one_address_and_its_password_is_never_shown() -> None:
    config = Config.load({"ROKUON_SMTP_URL": "smtp://me%40example.com:hunter%2F2@mail.example", "ROKUON_PUBLIC_URL": "https://a.example"})
    assert config.smtp
    assert (config.smtp.host, config.smtp.port, config.smtp.user, config.smtp.tls) == ("mail.example", 587, "me@example.com", "starttls")
    assert config.smtp.password.reveal() == "hunter/2"
    assert config.sender == "Rokuon <rokuon@a.example>"
    assert "hunter" not in repr(config) + repr(config.smtp)
    assert Config.load({"ROKUON_SMTP_URL": "smtp://mail.example?tls=tls"}).smtp.port == 465  # type: ignore[union-attr]
    assert Config.load({"ROKUON_SMTP_URL": "smtp://user:secret@localhost:2525?tls=none"}).smtp.port == 2525  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "value"), [("database_url", "postgresql://user:hunter2@host/name"), ("metrics_token", "hunter2-hunter2-hunter2")]
)
def test_a_secret_may_stand_in_a_file_and_is_never_shown(tmp_path: Path, name: str, value: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{value}\n")
    config = Config.load({f"ROKUON_{name.upper()}_FILE": str(secret)})
    assert getattr(config, name).get_secret_value() == value
    assert "hunter2" not in repr(config) + str(config.model_dump())
    assert getattr(Config.load({}), name) is None


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
