"""The embedded PostgreSQL, by real processes."""

import fcntl
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from psycopg import pq

from rokuon.domain.failures import ConfigError, DatabaseUnusable
from rokuon.runtime import cluster, pg_programs, postgres
from tests.conftest import CHECKOUT_IS_OPEN, short_folder

USER = Path(__file__).with_name("database_user.py")
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    folder = short_folder()
    cluster.create_cluster(folder)
    yield folder
    assert not running(folder), "a test left the server running"
    shutil.rmtree(folder)


@pytest.fixture
def start(data_dir: Path) -> Iterator[Start]:
    processes = []

    def start(what: str = "hold", folder: Path = data_dir) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, USER, what, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()
    postgres.stop(data_dir)


def running(folder: Path) -> bool:
    return pq.PGconn.ping(cluster.dsn(folder).encode()) == pq.Ping.OK


def ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout
    assert process.stdout.readline() == "ready\n"


def finish(process: subprocess.Popen[str]) -> None:
    process.communicate("go\n", timeout=30)
    assert process.returncode == 0


def postmaster(folder: Path) -> int:
    return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])


def test_the_last_of_two_processes_stops_the_server(data_dir: Path, start: Start) -> None:
    first, second = start(), start()
    ready(first)
    ready(second)
    finish(first)
    assert running(data_dir)
    finish(second)
    assert not running(data_dir)


def test_eight_processes_at_once_come_to_one_server(data_dir: Path, start: Start) -> None:
    processes = [start() for _ in range(8)]
    for process in processes:
        ready(process)
    for process in processes:
        assert running(data_dir)
        finish(process)
    assert not running(data_dir)


def test_a_killed_user_leaves_a_server_that_the_next_one_takes_over(data_dir: Path, start: Start) -> None:
    killed = start()
    ready(killed)
    killed.kill()
    killed.wait()
    assert running(data_dir)
    before = postmaster(data_dir)
    with postgres.ensure_running(data_dir):
        assert postmaster(data_dir) == before
    assert not running(data_dir)


def test_a_user_killed_while_starting_does_not_stop_the_next(data_dir: Path, start: Start) -> None:
    for delay in (0.25, 0.3, 0.35, 0.4):
        process = start()
        time.sleep(delay)
        process.kill()
        process.wait()
        with postgres.ensure_running(data_dir) as server, psycopg.connect(server.dsn) as connection:
            connection.execute("SELECT 1")


def test_a_stale_pid_file_of_a_pid_that_is_now_another_program_is_no_obstacle(data_dir: Path) -> None:
    pid_file = data_dir / "postgres" / "postmaster.pid"
    # A living process of the server's own user, which PostgreSQL itself takes for a running server.
    owner = pg_programs.owner_of(data_dir / "postgres")
    other = subprocess.Popen(["sleep", "60"], user=owner.uid if os.geteuid() == 0 else None)
    try:
        pid_file.write_text(f"{other.pid}\n{data_dir / 'postgres'}\n{int(time.time())}\n5432\n{data_dir / 'socket'}\n\n  123 456\nready\n")
        os.chown(pid_file, owner.uid, owner.gid)
        with postgres.ensure_running(data_dir):
            assert running(data_dir)
    finally:
        other.kill()
        other.wait()


def test_ctrl_c_in_the_terminal_does_not_reach_the_server(data_dir: Path) -> None:
    terminal = subprocess.Popen(
        [sys.executable, USER, "hold", data_dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        ready(terminal)
        assert os.getpgid(postmaster(data_dir)) != os.getpgid(terminal.pid)
        with postgres.ensure_running(data_dir) as server, psycopg.connect(server.dsn) as connection:
            os.killpg(terminal.pid, signal.SIGINT)
            terminal.communicate(timeout=30)
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        terminal.kill()
        terminal.communicate()
    assert not running(data_dir)


def test_giving_up_while_another_process_starts_ends_at_once_and_starts_nothing(data_dir: Path) -> None:
    with (data_dir / "postgres.start").open("r+") as lock:  # as a process that is starting holds it
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigError, match="not ready within"):
            postgres.ensure_running(data_dir, patience=0.2)
    assert not running(data_dir)


def test_acknowledged_rows_survive_five_immediate_shutdowns(data_dir: Path, start: Start) -> None:
    acknowledged: set[int] = set()
    for _ in range(5):
        writer = start("write")
        assert writer.stdout
        acknowledged.add(int(writer.stdout.readline()))
        time.sleep(0.3)
        owner = pg_programs.owner_of(data_dir / "postgres")
        stopped = pg_programs.run(
            owner, "pg_ctl", "stop", "-m", "immediate", "-w", "-D", str(data_dir / "postgres"), folder=data_dir / "postgres"
        )
        assert stopped.code == 0, stopped.output
        rest, _ = writer.communicate(timeout=30)
        acknowledged.update(int(line) for line in rest.split())
        with postgres.ensure_running(data_dir) as server, psycopg.connect(server.dsn) as connection:
            present = {row[0] for row in connection.execute("SELECT id FROM copies WHERE state = 'verified'")}
        assert acknowledged <= present
    assert len(acknowledged) > 50


@pytest.mark.parametrize("name", ["fsync", "synchronous_commit", "full_page_writes"])
def test_a_server_that_may_forget_is_refused(data_dir: Path, name: str) -> None:
    configuration = data_dir / "postgres" / "postgresql.conf"
    before = configuration.read_text()
    configuration.write_text(before + f"\n{name} = off\n")
    try:
        with pytest.raises(ConfigError, match=f"{name} is off"):
            postgres.ensure_running(data_dir)
    finally:
        configuration.write_text(before)
    assert not running(data_dir)


@contextmanager
def dying_server(folder: Path, answers: list[bytes]) -> Iterator[None]:
    """A server's last moments on the installation's socket: it answers one connection with each of `answers`, and is gone."""
    path = cluster.socket_dir(folder) / f".s.PGSQL.{cluster.PORT}"
    cluster.prepare_socket_dir(cluster.open_cluster(folder))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.fspath(path))
        path.chmod(0o777)
        listening.listen()

        def serve() -> None:
            for answer in answers:
                connection = listening.accept()[0]
                with connection:
                    connection.recv(8192)
                    connection.sendall(answer)
            listening.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(timeout=10)
        assert not thread.is_alive(), "not every answer was asked for"


def refusal(state: str, words: str) -> bytes:
    body = b"SFATAL\0VFATAL\0C%s\0M%s\0\0" % (state.encode(), words.encode())
    return b"E" + struct.pack("!i", len(body) + 4) + body


LET_IN = b"R" + struct.pack("!ii", 8, 0)
READY = LET_IN + b"Z" + struct.pack("!i", 5) + b"I"
DYING = {
    "it is gone": [READY],
    "it is gone in mid-sentence": [READY, LET_IN],
    "it is gone before the question": [READY, READY],
    "it says nothing": [READY, b""],
    "it says that it is shutting down": [READY, refusal("57P03", "the database system is shutting down")],
    "it has no place": [READY, refusal("53300", "sorry, too many clients already")],
}


@pytest.mark.parametrize("answers", DYING.values(), ids=DYING)
def test_a_server_that_dies_between_its_first_answer_and_the_next_question_is_started_again(data_dir: Path, answers: list[bytes]) -> None:
    with dying_server(data_dir, answers), postgres.ensure_running(data_dir) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_waiting_for_a_server_that_does_not_answer_stops_no_other_thread(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "ANSWER_WITHIN_S", 4)
    ticks: list[float] = []
    with postgres.ensure_running(data_dir):
        os.kill(pid := postmaster(data_dir), signal.SIGSTOP)
        try:
            asking = threading.Thread(target=lambda: ticks.append(-1.0) if postgres.answers(data_dir) else None)
            asking.start()
            while asking.is_alive():
                ticks.append(time.monotonic())
                time.sleep(0.05)
        finally:
            os.kill(pid, signal.SIGCONT)
    assert -1.0 not in ticks
    assert max(after - before for before, after in pairwise(ticks)) < 2


def test_a_server_that_admits_nobody_is_named_with_its_reason(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "UNANSWERED_S", 0.5)
    as_owner = cluster.dsn(data_dir, user="postgres", database="postgres")
    with postgres.ensure_running(data_dir), psycopg.connect(as_owner, autocommit=True) as connection:
        connection.execute("ALTER DATABASE rokuon CONNECTION LIMIT 0")
        try:
            with pytest.raises(DatabaseUnusable, match='too many connections for database "rokuon"'):
                postgres.start_again(data_dir, lambda seconds: None)
        finally:
            connection.execute("ALTER DATABASE rokuon CONNECTION LIMIT -1")


def test_only_the_owner_reaches_the_data_and_nobody_by_network(data_dir: Path) -> None:
    with postgres.ensure_running(data_dir) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT current_setting('listen_addresses'), current_setting('data_checksums')").fetchone() == ("", "on")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("COPY (SELECT 1) TO PROGRAM 'cat'")
    for folder in ("postgres", "socket"):
        assert stat.S_IMODE((data_dir / folder).stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0 or not CHECKOUT_IS_OPEN, reason="needs root, and a checkout that other users may enter")
def test_another_user_of_the_machine_is_not_let_in(data_dir: Path) -> None:
    with postgres.ensure_running(data_dir) as server:
        data_dir.chmod(0o711)
        (data_dir / "socket").chmod(0o711)
        (data_dir / "socket" / ".s.PGSQL.5432").chmod(0o777)
        done = subprocess.run(
            [pg_programs.program("psql"), server.dsn, "-c", "SELECT 1"], user=65534, group=65534, cwd="/", capture_output=True, text=True
        )
        (data_dir / "socket").chmod(0o700)
    assert "peer authentication failed" in done.stderr.lower()


def test_a_volume_mounted_with_wider_permissions_is_narrowed_again(data_dir: Path) -> None:
    for folder in ("postgres", "socket"):
        (data_dir / folder).chmod(0o2770)
    with postgres.ensure_running(data_dir):
        for folder in ("postgres", "socket"):
            assert stat.S_IMODE((data_dir / folder).stat().st_mode) == 0o700


def dumped(dsn: str) -> str:
    ran = subprocess.run(
        [pg_programs.program("psql"), dsn, "-l"], pass_fds=cluster.descriptors(), capture_output=True, text=True, check=True
    )
    return ran.stdout


@pytest.mark.parametrize("name", ["it's a long, path " + "x" * 100, "a,b", "日本 %41 &", "y" * 200])
def test_a_data_folder_with_a_long_and_strange_path_works(outer: Path, name: str) -> None:
    folder = outer / name
    folder.mkdir()
    cluster.create_cluster(folder)
    with postgres.ensure_running(folder) as server, psycopg.connect(server.dsn) as connection:
        connection.execute("SELECT 1")
        assert stat.S_IMODE((folder / "socket").stat().st_mode) == 0o700
        assert "postgres" in dumped(server.dsn)  # a program that Rokuon starts comes in too


@pytest.mark.parametrize("name", ['a"b', "a$(touch x)b", "a`b", "a\\b"])
def test_a_path_that_a_shell_would_read_is_refused(outer: Path, name: str) -> None:
    (outer / name).mkdir()
    with pytest.raises(ConfigError, match="a plainer one"):
        cluster.create_cluster(outer / name)
    assert list((outer / name).iterdir()) == []


def test_a_socket_folder_laid_by_somebody_else_is_refused(outer: Path) -> None:
    cluster.create_cluster(outer)
    (outer / "socket").symlink_to(outer / "postgres")
    with pytest.raises(ConfigError, match="must belong to the database's user alone"):
        postgres.ensure_running(outer)


def test_a_missing_database_is_never_made_by_a_start(outer: Path) -> None:
    with pytest.raises(ConfigError, match="There is no database"):
        postgres.ensure_running(outer)
    assert list(outer.iterdir()) == []


def test_another_versions_folder_is_refused(data_dir: Path) -> None:
    version = data_dir / "postgres" / "PG_VERSION"
    version.write_text("16\n")
    try:
        with pytest.raises(ConfigError, match="made by PostgreSQL 16"):
            postgres.ensure_running(data_dir)
    finally:
        version.write_text("18\n")


def test_a_damaged_control_file_is_named_and_nothing_is_repaired(data_dir: Path, outer: Path) -> None:
    copy = outer / "copy"
    shutil.copytree(data_dir, copy, ignore=shutil.ignore_patterns("socket"))
    owner = pg_programs.owner_of(data_dir / "postgres")
    for path in [copy, *copy.rglob("*")]:
        os.chown(path, owner.uid, owner.gid)
    control = copy / "postgres" / "global" / "pg_control"
    damaged = bytearray(control.read_bytes())
    damaged[40] ^= 0xFF
    control.write_bytes(damaged)
    with pytest.raises(ConfigError, match="is damaged"):
        postgres.ensure_running(copy)
    assert control.read_bytes() == bytes(damaged)


def test_a_flipped_bit_in_a_table_refuses_the_start_and_is_not_repaired(outer: Path) -> None:
    cluster.create_cluster(outer)
    with postgres.ensure_running(outer) as server, psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TABLE copies AS SELECT n, 'verified' AS state FROM generate_series(1, 1000) n")
        row = connection.execute("SELECT pg_relation_filepath('copies')").fetchone()
        assert row
    table = outer / "postgres" / row[0]
    damaged = bytearray(table.read_bytes())
    damaged[8192 + 5000] ^= 0x01
    table.write_bytes(damaged)
    (outer / "postgres" / "rokuon.checked").unlink()  # a day later
    with pytest.raises(ConfigError, match=r"is damaged .* restore the newest dump"):
        postgres.ensure_running(outer)
    assert table.read_bytes() == bytes(damaged)
    assert not running(outer)


@pytest.fixture
def slow(outer: Path) -> Path:
    """A data folder whose database recovers for some seconds at every start."""
    made = cluster.create_cluster(outer)
    with (made.folder / "postgresql.conf").open("a") as configuration:
        configuration.write("restore_command = 'sleep 1; false'\n")
    (made.folder / "recovery.signal").touch()
    os.chown(made.folder / "recovery.signal", made.owner.uid, made.owner.gid)
    return outer


def test_waiting_for_recovery_is_told_and_ends_in_a_running_server(slow: Path) -> None:
    told: list[float] = []
    with postgres.ensure_running(slow, on_wait=told.append) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
    assert told == sorted(told)
    assert told[-1] > 1


def test_a_second_process_waits_for_a_recovery_that_the_killed_first_began(slow: Path, start: Start) -> None:
    first = start("hold", slow)
    while pq.PGconn.ping(cluster.dsn(slow).encode()) != pq.Ping.REJECT:
        time.sleep(0.02)
    first.kill()
    first.wait()
    with postgres.ensure_running(slow) as server, psycopg.connect(server.dsn) as connection:
        connection.execute("SELECT 1")
    assert not (slow / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize("reason", [KeyboardInterrupt, RuntimeError])
def test_giving_up_during_recovery_leaves_nothing_running(slow: Path, reason: type[BaseException]) -> None:
    def give_up(waited: float) -> None:
        raise reason

    with pytest.raises(reason):
        postgres.ensure_running(slow, on_wait=give_up)
    assert not (slow / "postgres" / "postmaster.pid").exists()
    assert pq.PGconn.ping(cluster.dsn(slow).encode()) == pq.Ping.NO_RESPONSE


def test_an_interrupted_creation_leaves_no_half_database(outer: Path) -> None:
    (outer / "postgres.partial").mkdir()
    (outer / "postgres.partial" / "PG_VERSION").write_text("18")
    assert not cluster.exists(outer)
    cluster.create_cluster(outer)
    with postgres.ensure_running(outer):
        assert running(outer)
