import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from rokuon.base import secrets
from rokuon.config import Config
from rokuon.domain.failures import ConfigError
from rokuon.runtime import installation, spool
from rokuon.runtime.installation import init, open_installation
from tests.conftest import short_folder


def config(data_dir: Path, **values: object) -> Config:
    return Config(data_dir=data_dir, **values)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def made() -> Iterator[Config]:
    """An installation that the tests leave as they find it."""
    outer = short_folder()
    settings = config(outer / "data")
    assert init(settings).created
    yield settings
    shutil.rmtree(outer)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name not in ("startup.log",)}


def test_init_makes_everything_private_and_says_to_back_up_the_key(outer: Path) -> None:
    settings = config(outer / "data")
    settings.data_dir.mkdir(mode=0o755)  # as a volume may be handed over
    report = init(settings)
    assert report.created
    assert any("Back it up now" in sentence and str(settings.master_key_file) in sentence for sentence in report.sentences)
    assert stat.S_IMODE(settings.master_key_file.stat().st_mode) == 0o600
    for folder in (settings.spool_dir, settings.dump_dir, settings.data_dir / "postgres", settings.data_dir / "buckets"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) & 0o007 == 0
    with open_installation(settings) as opened, psycopg.connect(opened.database_url) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("rokuon",)


def test_init_twice_changes_nothing_and_says_so(made: Config) -> None:
    before = snapshot(made.data_dir)
    report = init(made)
    assert not report.created
    assert "already there" in report.sentences[0]
    assert snapshot(made.data_dir) == before


def test_an_interrupted_init_is_finished_with_the_same_key(outer: Path) -> None:
    settings = config(outer / "data")
    init(settings)
    key = settings.master_key_file.read_bytes()
    (settings.data_dir / "installation.json").unlink()
    assert init(settings).created
    assert settings.master_key_file.read_bytes() == key


@pytest.mark.parametrize("missing", ["everything", "content", "installation.json", "postgres"])
def test_a_missing_volume_never_becomes_a_new_installation(outer: Path, made: Config, missing: str) -> None:
    settings = config(outer / "data")
    if missing != "everything":
        settings.data_dir.mkdir()
    if missing not in ("everything", "content"):
        for name in {"installation.json", "master.key"} - {missing}:
            shutil.copy(made.data_dir / name, settings.data_dir / name)
    before = snapshot(outer)
    with pytest.raises(ConfigError) as caught:
        open_installation(settings)
    assert str(settings.data_dir) in str(caught.value)
    assert "`rokuon init`" in str(caught.value)
    assert "volume" in str(caught.value)
    assert snapshot(outer) == before
    assert settings.data_dir.exists() == (missing != "everything")
    assert not (settings.data_dir / "spool").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [(None, "is missing"), (secrets.new_key(), "belongs to another installation"), ("garbage", "no usable key")],
    ids=["missing", "foreign", "garbage"],
)
def test_a_missing_or_wrong_master_key_is_refused_by_init_and_start(made: Config, text: str | None, sentence: str) -> None:
    key = made.master_key_file.read_text()
    if text is None:
        made.master_key_file.unlink()
    else:
        made.master_key_file.write_text(text)
    try:
        for action in (open_installation, init):
            with pytest.raises(ConfigError, match=sentence) as caught:
                action(made)
            assert str(made.master_key_file) in str(caught.value)
            assert made.master_key_file.exists() == (text is not None)
    finally:
        made.master_key_file.write_text(key)
        made.master_key_file.chmod(0o600)


def test_a_database_whose_key_is_lost_gets_no_new_key(outer: Path) -> None:
    data_dir = outer / "data"
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "PG_VERSION").write_text("18\n")
    with pytest.raises(ConfigError, match=r"master key file .* is missing"):
        init(config(data_dir))
    assert not (data_dir / "master.key").exists()


def test_a_rotated_key_opens_the_installation_without_the_old_one(made: Config) -> None:
    marker = made.data_dir / "installation.json"
    old, before = made.master_key_file.read_text(), marker.read_text()
    new = secrets.new_key()
    try:
        made.master_key_file.write_text(f"{new}\n{old}")
        installation.reseal_key_check(made)
        made.master_key_file.write_text(new)
        open_installation(made, start_database=False).close()
    finally:
        made.master_key_file.write_text(old)
        marker.write_text(before)


def test_init_keeps_out_of_a_folder_that_holds_other_things(outer: Path) -> None:
    (outer / "letters.txt").write_text("dear")
    with pytest.raises(ConfigError, match=r"letters\.txt"):
        init(config(outer))
    assert [path.name for path in outer.iterdir()] == ["letters.txt"]


def test_a_damaged_marker_is_named(made: Config) -> None:
    marker = made.data_dir / "installation.json"
    before = marker.read_text()
    try:
        for text, sentence in (("{", "is damaged"), ("[]", "is damaged"), (before.replace('"format": 1', '"format": 2'), "newer Rokuon")):
            marker.write_text(text)
            with pytest.raises(ConfigError, match=sentence):
                open_installation(made)
    finally:
        marker.write_text(before)


def test_with_a_database_of_ones_own_no_cluster_is_made(outer: Path, embedded_dsn: str) -> None:
    settings = config(outer / "data", database_url=embedded_dsn)
    assert init(settings).created
    assert not (settings.data_dir / "postgres").exists()
    with open_installation(settings) as opened:
        assert opened.database_url == embedded_dsn


def test_a_database_that_does_not_answer_is_named_without_its_password(outer: Path) -> None:
    settings = config(outer / "data", database_url="postgresql://rokuon:hunter2@127.0.0.1:1/rokuon")
    with pytest.raises(ConfigError, match="ROKUON_DATABASE_URL names does not let Rokuon in") as caught:
        init(settings)
    assert "hunter2" not in str(caught.value)


def test_opening_empties_the_spool_of_the_dead_and_spares_the_living(made: Config, outer: Path) -> None:
    precious = outer / "precious"
    precious.write_text("keep")
    dead = made.spool_dir / "dead.part"
    dead.write_text("half a recording")
    link = made.spool_dir / "link.part"
    link.symlink_to(precious)
    os.mkfifo(made.spool_dir / "pipe.part")
    with spool.new_file(made.spool_dir) as living:
        living.write(b"audio")
        with open_installation(made, start_database=False):
            left = list(made.spool_dir.iterdir())
        assert len(left) == 1
        assert stat.S_IMODE(left[0].stat().st_mode) == 0o600
    assert precious.read_text() == "keep"
    assert list(made.spool_dir.iterdir()) == []


def test_a_spool_folder_that_is_a_link_is_refused(made: Config, outer: Path) -> None:
    (outer / "elsewhere").mkdir()
    (outer / "elsewhere" / "file").write_text("keep")
    (outer / "spool").symlink_to(outer / "elsewhere")
    with pytest.raises(ConfigError, match="ROKUON_SPOOL_DIR"):
        spool.prepare(outer / "spool")
    assert (outer / "elsewhere" / "file").exists()
