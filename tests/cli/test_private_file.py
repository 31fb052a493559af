"""A file that only its owner may read is written whole, also if two commands write it at once."""

import os
from pathlib import Path

import pytest

from rokuon.cli.support import private_file
from rokuon.domain.failures import ConfigError


def test_two_commands_that_write_one_file_each_write_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "audit.zip"
    with private_file.opened(str(path)) as first:
        first.write(b"first")
        with private_file.opened(str(path)) as second:
            second.write(b"2")
        assert path.read_bytes() == b"2"
        first.write(b"!")
    assert path.read_bytes() == b"first!"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_others_may_read_is_replaced_by_one_that_they_may_not(tmp_path: Path) -> None:
    path = tmp_path / "audit.zip"
    for name in (path, tmp_path / "audit.zip.partial"):
        name.write_text("old")
        name.chmod(0o644)
    private_file.write(str(path), [b"new"])
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)


@pytest.mark.parametrize("name", ["-", "folder", "pipe"])
def test_what_is_not_a_file_is_refused_and_stays(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = {path.name: path.lstat().st_mode for path in tmp_path.iterdir()}
    with pytest.raises(ConfigError):
        private_file.write(name, [b"x"])
    assert {path.name: path.lstat().st_mode for path in tmp_path.iterdir()} == before


def test_a_folder_that_is_not_there_is_named_as_it_was_asked_for(tmp_path: Path) -> None:
    path = str(tmp_path / "nowhere" / "audit.zip")
    with pytest.raises(FileNotFoundError) as error:
        private_file.write(path, [b"x"])
    assert error.value.filename == path
