"""`rokuon init` where a disk or the shared memory is too small, in mounts of its own: refused before anything is made, or as what it is."""

import subprocess
import sys
from pathlib import Path

import pytest

from rokuon.runtime.pg_room import SHARED_MEMORY

from .conftest import Rokuon

OWN_MOUNTS = ["unshare", "--mount", "--propagation", "private"]
MAY_MOUNT = subprocess.run([*OWN_MOUNTS, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False).returncode == 0

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not MAY_MOUNT, reason="needs the right to mount a small disk")]

INIT = f"{sys.executable} -m rokuon init"


def in_own_mounts(rokuon: Rokuon, script: str) -> "subprocess.CompletedProcess[str]":
    """The script ends with the exit code of its first command that fails; `$disk` is an empty folder, `$data` the data folder in it."""
    disk = rokuon.data.parent
    disk.mkdir(mode=0o711, exist_ok=True)
    return subprocess.run(
        [*OWN_MOUNTS, "sh", "-ec", script],
        cwd=rokuon.outer,
        env={**rokuon.environment, "disk": str(disk), "data": str(rokuon.data)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture
def rokuon(outer: Path) -> Rokuon:
    return Rokuon(outer, outer / "disk" / "data")


REFUSED_FIRST = """
{small}
if {init}; then exit 1; else code=$?; fi
echo "code $code; left: $(ls -A $data 2>/dev/null)"
{large}
{init}
"""


@pytest.mark.parametrize(
    ("folder", "size", "says"),
    [
        ("$disk", "100m", ["no space left for the database", "disk", "160 MiB", "Free some space"]),
        (str(SHARED_MEMORY), "2m", ["not enough shared memory", str(SHARED_MEMORY), "--shm-size"]),
    ],
)
def test_what_is_too_small_is_said_before_anything_is_made_and_enough_room_makes_an_installation(
    rokuon: Rokuon, folder: str, size: str, says: list[str]
) -> None:
    done = in_own_mounts(
        rokuon,
        REFUSED_FIRST.format(
            small=f"mount -t tmpfs -o size={size},mode=1777 tmpfs {folder}", large=f"mount -o remount,size=600m {folder}", init=INIT
        ),
    )
    assert "code 2; left: init.lock\n" in done.stdout, done.stderr
    assert all(words in done.stderr for words in says), done.stderr
    assert "damaged" not in done.stderr
    assert done.returncode == 0, done.stderr


FILLED_MEANWHILE = f"""
mount -t tmpfs -o size=200m,mode=0711 tmpfs $disk
(until [ -e $data/postgres.partial/base ]; do sleep 0.01; done; cat /dev/zero >$disk/filler || true) 2>/dev/null &
if {INIT}; then exit 1; else code=$?; fi
wait
echo "code $code; left: $(ls $data | grep postgres)"
rm $disk/filler
{INIT}
"""


def test_a_disk_that_others_fill_while_the_database_is_made_is_full_and_not_damaged(rokuon: Rokuon) -> None:
    done = in_own_mounts(rokuon, FILLED_MEANWHILE)
    assert "code 2; left: \n" in done.stdout, done.stderr
    assert "no space left" in done.stderr.lower()
    assert "damaged" not in done.stderr
    assert done.returncode == 0, done.stderr


def test_a_disk_that_is_read_only_is_named(rokuon: Rokuon) -> None:
    done = in_own_mounts(rokuon, f"mount -t tmpfs -o ro tmpfs $disk; {INIT}")
    assert done.returncode == 2
    assert str(rokuon.data) in done.stderr
    assert ("damaged" in done.stderr, "Traceback" in done.stderr) == (False, False)
