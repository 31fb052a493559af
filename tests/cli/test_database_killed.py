"""An embedded database that is killed, that has no room or is damaged, below a running `rokuon up`: it comes back by itself, or is told."""

import fcntl
import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from rokuon.runtime import cluster, folder_lock, pg_programs, postgres
from tests.conftest import short_folder
from tests.full_disk import MAY_MOUNT, filled, small

from .conftest import Rokuon, processes_of, wait_until

READY_S, WORKING_S, ENDED_S = 30, 15, 30


@pytest.fixture(scope="module")
def own() -> Iterator[Rokuon]:
    """An installation whose database nobody holds but its own processes."""
    outer = short_folder()
    rokuon = Rokuon(outer)
    _out, err = rokuon.start("init").communicate(timeout=180)
    assert (rokuon.data / "installation.json").exists(), err
    yield rokuon
    wait_until(lambda: not processes_of(str(rokuon.data)), 40)
    shutil.rmtree(outer)


def ready(port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


@contextmanager
def up(rokuon: Rokuon) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = rokuon.start("up", ROKUON_LISTEN=f"127.0.0.1:{port}")
    try:
        wait_until(lambda: process.poll() is not None or ready(port)[0] == 200, 90)
        assert process.poll() is None, process.communicate()
        wait_until(lambda: workers_since(rokuon, 0), 60)
        yield process, port
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate()


def workers_since(rokuon: Rokuon, moment: float) -> bool:
    """Whether a worker has given a sign of life after the moment (seconds since 1970)."""
    with psycopg.connect(cluster.dsn(rokuon.data)) as connection:
        row = connection.execute("SELECT extract(epoch FROM max(last_heartbeat)) FROM procrastinate_workers").fetchone()
    return bool(row and row[0] and row[0] > moment)


def postmaster(rokuon: Rokuon) -> int:
    return int((rokuon.data / "postgres" / "postmaster.pid").read_text().split()[0])


@pytest.mark.parametrize("killed", ["postmaster", "keeper", pytest.param("both", marks=pytest.mark.slow)])
def test_a_killed_database_is_ready_again_and_the_workers_go_on(own: Rokuon, killed: str) -> None:
    with up(own) as (process, port):
        holder = folder_lock.Holder.of(own.data / "postgres")
        assert holder
        before = postmaster(own)
        for pid in {"postmaster": [before], "keeper": [holder.pid], "both": [holder.pid, before]}[killed]:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: ready(port)[0] == 200 and postgres.answers(own.data) and postmaster(own) != before, READY_S)
        back = time.time()
        wait_until(lambda: workers_since(own, back), WORKING_S)
        process.terminate()
        _out, err = process.communicate(timeout=ENDED_S)
    assert process.returncode == 0, err
    assert "database_started_again" in err


def test_a_damaged_database_ends_the_service_with_the_reason(own: Rokuon) -> None:
    with up(own) as (process, port), (own.data / "postgres.start").open("r+") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)  # nobody starts it again until it is damaged
        postgres.stop(own.data)
        control = own.data / "postgres" / "global" / "pg_control"
        whole = control.read_bytes()
        control.write_bytes(b"\0" * len(whole))
        fcntl.flock(starting, fcntl.LOCK_UN)
        _out, err = process.communicate(timeout=60)
        control.write_bytes(whole)
    assert process.returncode == 2
    assert "is damaged" in err
    assert '"reason": "database_damaged"' in err
    assert ready(port)[0] == 0


@pytest.mark.parametrize("how", [pytest.param("terminated", marks=pytest.mark.slow), "left by its supervisor"])
def test_every_process_ends_in_time_while_the_database_is_away_and_cannot_be_started(own: Rokuon, how: str) -> None:
    with up(own) as (process, port), (own.data / "postgres.start").open("r+") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        pid = postmaster(own)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: ready(port)[0] == 503 and not pg_programs.runs_postgres(pid, own.data / "postgres"))
        time.sleep(5)  # workers try to reach it, and fail
        process.send_signal(signal.SIGTERM if how == "terminated" else signal.SIGKILL)
        began = time.monotonic()
        process.communicate(timeout=ENDED_S)
        wait_until(lambda: not [line for line in processes_of(str(own.data)) if "rokuon" in line], ENDED_S)
        assert time.monotonic() - began < ENDED_S + 1


@pytest.mark.parametrize(
    ("command", "how"),
    [
        ("worker", "terminated"),
        pytest.param("worker", "left by its supervisor", marks=pytest.mark.slow),
        pytest.param("serve", "terminated", marks=pytest.mark.slow),
        ("serve", "left by its supervisor"),
    ],
)
def test_so_do_the_two_services_that_up_is_made_of(own: Rokuon, command: str, how: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    began, process = time.time(), own.start(command, ROKUON_LISTEN=f"127.0.0.1:{port}")
    try:
        wait_until(lambda: ready(port)[0] == 200 if command == "serve" else has_begun(own, began), 90)
        with (own.data / "postgres.start").open("r+") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            pid = postmaster(own)
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda: not pg_programs.runs_postgres(pid, own.data / "postgres"))
            time.sleep(5)  # what needs it tries to reach it, and fails
            process.send_signal(signal.SIGTERM if how == "terminated" else signal.SIGKILL)
            process.communicate(timeout=ENDED_S)
            wait_until(lambda: not [line for line in processes_of(str(own.data)) if "rokuon" in line], ENDED_S)
    finally:
        process.kill()
        process.communicate()


def has_begun(rokuon: Rokuon, moment: float) -> bool:
    """As `workers_since`, also while the database is started."""
    try:
        return workers_since(rokuon, moment)
    except psycopg.OperationalError:
        return False


@pytest.mark.skipif(not MAY_MOUNT, reason="needs the right to mount a small disk")
@pytest.mark.slow
def test_e19_a_database_without_room_says_so_and_is_back_by_itself_once_there_is_room(outer: Path) -> None:
    disk = outer / "disk"
    disk.mkdir(mode=0o711)
    with small(disk):
        try:
            rokuon = Rokuon(outer, disk / "data")
            _out, err = rokuon.start("init").communicate(timeout=180)
            assert (rokuon.data / "installation.json").exists(), err
            with up(rokuon) as (process, port):
                with filled(disk):
                    os.kill(postmaster(rokuon), signal.SIGKILL)
                    wait_until(lambda: "database_full" in ready(port)[1], 60)
                    time.sleep(20)
                    assert process.poll() is None
                wait_until(lambda: ready(port)[0] == 200, READY_S)
                back = time.time()
                wait_until(lambda: workers_since(rokuon, back), WORKING_S)
        finally:
            wait_until(lambda: not processes_of(str(disk)), 40)
