"""A disk without a free byte is a full database, whatever first fails for lack of room: it is waited for and never given up."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from rokuon.domain.failures import DatabaseFull
from rokuon.runtime import pg_room, postgres
from tests import template
from tests.conftest import short_folder
from tests.full_disk import MAY_MOUNT, filled, small


@pytest.fixture
def disk() -> Iterator[Path]:
    folder = short_folder()
    with small(folder):
        yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(not MAY_MOUNT, reason="needs the right to mount a small disk")
def test_a_killed_server_on_a_full_disk_is_full_and_starts_once_there_is_room(disk: Path) -> None:
    data = disk / "data"
    template.copy_to(data)
    with postgres.ensure_running(data):
        pid = int((data / "postgres" / "postmaster.pid").read_text().split()[0])
        with filled(disk):
            os.kill(pid, signal.SIGKILL)
            for _time in range(2):
                with pytest.raises(DatabaseFull, match=r"no space left for the database in .*/data/postgres"):
                    postgres.start_again(data, lambda _waited: None)
        postgres.start_again(data, lambda _waited: None)
        assert postgres.answers(data)


@pytest.mark.skipif(not MAY_MOUNT, reason="needs the right to mount a small disk")
def test_a_server_that_dies_without_a_word_had_no_room_for_it_where_the_disk_is_full(disk: Path) -> None:
    pg_room.require_words("", disk)
    with filled(disk):
        pg_room.require_words("FATAL:  a word", disk)
        with pytest.raises(DatabaseFull):
            pg_room.require_words("\n", disk)


def test_another_trouble_with_our_own_files_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), pg_room.full_disk_named(tmp_path):
        raise PermissionError
