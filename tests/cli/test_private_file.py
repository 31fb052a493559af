"""A file that only its owner may read is written whole, also if two commands write it at once."""

from pathlib import Path

from rokuon.cli.support import private_file


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
