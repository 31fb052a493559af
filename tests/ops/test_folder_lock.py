"""One server on a database folder, whoever comes, from another container or another machine; real processes, namespaces and locks."""

import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from rokuon.domain.failures import DatabaseHeldElsewhere, DatabaseLockRefused
from rokuon.runtime import cluster, folder_lock, pg_programs, postgres
from tests.conftest import short_folder

USER = Path(__file__).with_name("database_user.py")
ROOT = Path(__file__).resolve().parents[2]
WITH_OWN_TMP = """
set -e
mount --bind "$0" "$1"
mount -t tmpfs tmpfs /tmp
mkdir -p "$0"
mount --bind "$1" "$0"
shift
exec "$@"
"""
"""A shell's program: an empty /tmp for the command, but for this checkout, which may lie there."""
NEW_CONTAINER = ["unshare", "--pid", "--mount", "--uts", "--fork", "--kill-child", "--mount-proc"]
MAY_UNSHARE = subprocess.run([*NEW_CONTAINER, "true"], capture_output=True, check=False).returncode == 0
in_namespaces = pytest.mark.skipif(not MAY_UNSHARE, reason="needs the right to make namespaces")


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    folder = short_folder()
    cluster.create_cluster(folder)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def container(data_dir: Path, before: str = "true") -> Iterator["subprocess.Popen[str]"]:
    """A process that uses the database, in namespaces of its own, as a container is. At the end it is killed with all that it started."""
    process = subprocess.Popen(
        [*NEW_CONTAINER, "sh", "-c", f'{before} && exec "$0" "$@"', sys.executable, str(USER), "hold", str(data_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def count_servers(data_dir: Path) -> int:
    """Servers on the folder, and not their processes: those whose parent is not such a process itself."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        if pg_programs.runs_postgres(int(path.name), data_dir / "postgres"):
            found[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
    return sum(parent not in found for parent in found.values())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "UNANSWERED_S", 1.0)
    monkeypatch.setattr(folder_lock, "WATCH_FOR_S", 1.5)


@pytest.fixture
def unseen_socket(data_dir: Path) -> Iterator[None]:
    """As where another container has the socket's folder on a file system of its own."""
    yield
    shutil.rmtree(data_dir / "socket", ignore_errors=True)


@in_namespaces
@pytest.mark.usefixtures("impatient", "unseen_socket")
def test_another_container_that_does_not_see_the_socket_starts_no_second_server(data_dir: Path) -> None:
    with container(data_dir):
        (data_dir / "socket").rename(data_dir / "moved")
        try:
            with pytest.raises(DatabaseHeldElsewhere, match="Another container on this machine"):
                postgres.ensure_running(data_dir)
            assert count_servers(data_dir) == 1
        finally:
            (data_dir / "moved").rename(data_dir / "socket")
    with postgres.ensure_running(data_dir) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@in_namespaces
@pytest.mark.usefixtures("impatient", "unseen_socket")
def test_another_machine_that_holds_the_lock_is_named(data_dir: Path, outer: Path) -> None:
    (outer / "boot_id").write_text("00000000-0000-4000-8000-000000000001\n")
    with container(data_dir, f"hostname archive-2 && mount --bind {outer}/boot_id /proc/sys/kernel/random/boot_id"):
        (data_dir / "socket").rename(data_dir / "moved")
        try:
            with pytest.raises(DatabaseHeldElsewhere, match="The machine archive-2 runs a server"):
                postgres.ensure_running(data_dir)
            assert count_servers(data_dir) == 1
        finally:
            (data_dir / "moved").rename(data_dir / "socket")


@pytest.mark.usefixtures("impatient")
def test_another_machine_whose_lock_is_not_seen_is_known_by_its_sign_of_life_and_taken_over_after_its_end(data_dir: Path) -> None:
    place = {"host": "archive-2", "boot": "00000000-0000-4000-8000-000000000001", "namespace": "pid:[1]"}
    (data_dir / "postgres" / folder_lock.HOLDER).write_text(json.dumps({"place": place, "pid": 1}))
    ended = threading.Event()

    def live() -> None:
        while not ended.wait(0.2):
            folder_lock.beat(data_dir / "postgres")

    other = threading.Thread(target=live)
    other.start()
    try:
        with pytest.raises(DatabaseHeldElsewhere, match="The machine archive-2 runs a server"):
            postgres.ensure_running(data_dir)
        assert count_servers(data_dir) == 0
    finally:
        ended.set()
        other.join()
    with postgres.ensure_running(data_dir):
        holder = folder_lock.Holder.of(data_dir / "postgres")
        assert holder
        assert holder.place == folder_lock.ProcessLocation.here()


@pytest.mark.usefixtures("impatient", "unseen_socket")
def test_a_server_whose_socket_is_out_of_sight_is_told_at_once_and_not_after_ten_minutes(data_dir: Path) -> None:
    with postgres.ensure_running(data_dir):
        (data_dir / "socket").rename(data_dir / "moved")
        try:
            with pytest.raises(DatabaseHeldElsewhere, match="may be mounted over"):
                postgres.ensure_running(data_dir)
        finally:
            (data_dir / "moved").rename(data_dir / "socket")


@in_namespaces
def test_a_long_path_is_shared_with_a_process_that_has_a_tmp_of_its_own() -> None:
    """As systemd's PrivateTmp makes it: where a long path has no socket of its own, none in /tmp may stand in for it."""
    with TemporaryDirectory(dir="/var/tmp", prefix="rokuon-test-") as outer:
        Path(outer).chmod(0o711)
        folder = Path(outer) / ("x" * 120) / "data"
        folder.mkdir(parents=True, mode=0o711)
        cluster.create_cluster(folder)
        aside = Path(outer) / "checkout"
        aside.mkdir()
        private = ["unshare", "--mount", "--propagation", "private", "sh", "-c", WITH_OWN_TMP, str(ROOT), str(aside)]
        command = [*private, sys.executable, str(USER), "hold", str(folder)]
        with postgres.ensure_running(folder):
            other = subprocess.run(command, input="\n", capture_output=True, text=True, timeout=60, check=False)
            assert (other.returncode, other.stdout) == (0, "ready\n"), other.stderr
            assert count_servers(folder) == 1


def test_the_same_folder_by_another_path_is_the_same_folder(data_dir: Path, outer: Path) -> None:
    (outer / "other").symlink_to(data_dir)
    with postgres.ensure_running(data_dir), postgres.ensure_running(outer / "other"):
        assert count_servers(data_dir) == 1


def is_taken(folder: Path) -> bool:
    """Whether the folder's lock is held by a server. If not, this process does not keep it either."""
    lock = folder_lock.take(folder)
    if lock is not None:
        os.close(lock)
    return lock is None


def test_the_lock_lasts_as_long_as_a_process_of_the_server(data_dir: Path) -> None:
    with postgres.ensure_running(data_dir) as server:
        assert is_taken(data_dir / "postgres")
        holder = folder_lock.Holder.of(data_dir / "postgres")
        assert holder
        with psycopg.connect(server.dsn) as connection:
            busy = threading.Thread(target=lambda: _until_it_breaks(connection))
            busy.start()
            _wait_for_query(server.dsn)
            postmaster = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
            os.kill(holder.pid, signal.SIGKILL)
            os.kill(postmaster, signal.SIGKILL)
            time.sleep(0.3)
            assert is_taken(data_dir / "postgres")  # the query runs on, and may still write
            postgres.start_again(data_dir, lambda seconds: None)
            busy.join(timeout=30)
            assert not busy.is_alive()
        with psycopg.connect(server.dsn) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def _wait_for_query(dsn: str) -> None:
    """Wait until the server works on it: one that is idle ends with its postmaster."""
    until = time.monotonic() + 20
    with psycopg.connect(dsn, autocommit=True) as connection:
        while not connection.execute("SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s", ["%100000) b"]).fetchone():
            assert time.monotonic() < until
            time.sleep(0.05)


def _until_it_breaks(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b")


@pytest.mark.parametrize("which", ["keeper", "postmaster"])
def test_a_server_of_which_one_process_is_killed_ends_and_is_started_again(data_dir: Path, which: str) -> None:
    with postgres.ensure_running(data_dir) as server:
        holder = folder_lock.Holder.of(data_dir / "postgres")
        assert holder
        postmaster = int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
        os.kill(holder.pid if which == "keeper" else postmaster, signal.SIGKILL)
        until = time.monotonic() + 20
        while pg_programs.runs_postgres(postmaster, data_dir / "postgres"):
            assert time.monotonic() < until
            time.sleep(0.05)
        postgres.start_again(data_dir, lambda seconds: None)
        with psycopg.connect(server.dsn) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert count_servers(data_dir) == 1


def test_a_server_that_nobody_uses_any_more_ends_by_itself(data_dir: Path) -> None:
    user = subprocess.Popen([sys.executable, USER, "hold", data_dir], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert user.stdout
    assert user.stdout.readline() == "ready\n"
    user.kill()
    user.communicate()
    until = time.monotonic() + 30
    while count_servers(data_dir):
        assert time.monotonic() < until
        time.sleep(0.1)
    lock = folder_lock.take(data_dir / "postgres")
    while lock is None:
        assert time.monotonic() < until
        lock = folder_lock.take(data_dir / "postgres")
    os.close(lock)


@in_namespaces
@pytest.mark.parametrize("checked", [True, False], ids=["checked today", "with the page check"])
def test_a_container_that_is_killed_hard_starts_again_each_time(data_dir: Path, checked: bool) -> None:
    kills, numbers = int(os.environ.get("TEST_KILLS", "3")), set()
    for _ in range(kills):
        with container(data_dir):
            numbers.add((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
        if not checked:
            (data_dir / "postgres" / "rokuon.checked").unlink(missing_ok=True)
    assert len(numbers) < kills, "the next container's processes have the numbers of the last one's"
    with postgres.ensure_running(data_dir) as server, psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("owner", ["database", "root"])
def test_both_lock_files_of_a_dead_server_whose_number_another_process_has_are_no_obstacle(data_dir: Path, owner: str) -> None:
    user = pg_programs.owner_of(data_dir / "postgres")
    other = subprocess.Popen(["sleep", "60"], user=user.uid if owner == "database" and os.geteuid() == 0 else None)
    (data_dir / "socket").mkdir(mode=0o700, exist_ok=True)
    lock = f"{other.pid}\n{data_dir / 'postgres'}\n{int(time.time())}\n5432\n../socket\n"
    try:
        for path, text in (
            (data_dir / "postgres" / "postmaster.pid", f"{lock}\n  123 456\nready\n"),
            (data_dir / "socket" / ".s.PGSQL.5432.lock", lock),
            (data_dir / "socket" / ".s.PGSQL.5432", ""),
        ):
            path.write_text(text)
            os.chown(path, user.uid, user.gid)
        os.chown(data_dir / "socket", user.uid, user.gid)
        began = time.monotonic()
        with postgres.ensure_running(data_dir, patience=30):
            assert count_servers(data_dir) == 1
        assert other.poll() is None, f"killed after {time.monotonic() - began:.1f} s"
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_that_refuses_the_lock_is_refused_with_a_sentence(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    real = fcntl.flock

    def refuses(descriptor: int, operation: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == folder_lock.LOCKED:
            raise OSError(number, os.strerror(number))
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", refuses)
    with pytest.raises(DatabaseLockRefused, match=r"keeps no lock .*ROKUON_DATA_DIR"):
        postgres.ensure_running(data_dir)
    assert count_servers(data_dir) == 0


def test_a_file_system_that_gives_the_same_lock_twice_is_refused(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = fcntl.flock

    def forgets(descriptor: int, operation: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name != folder_lock.LOCKED:
            real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", forgets)
    with pytest.raises(DatabaseLockRefused, match="the same lock twice"):
        postgres.ensure_running(data_dir)


@pytest.mark.parametrize(
    ("kind", "options", "carries"),
    [
        ("ext4", "rw", True),
        ("overlay", "rw", True),
        ("", "", True),
        ("nfs4", "rw,vers=4.2,local_lock=none", True),
        ("nfs", "rw,vers=3,nolock,local_lock=all", False),
        ("nfs4", "rw,local_lock=flock", False),
        ("cifs", "rw", False),
        ("9p", "rw,trans=virtio", False),
        ("fuse.sshfs", "rw", False),
        ("fuse.rclone", "rw", False),
        ("fuse", "rw", False),
        ("fuse.fuse-overlayfs", "rw", True),
    ],
)
def test_file_systems_whose_locks_other_machines_cannot_see_are_known(kind: str, options: str, carries: bool) -> None:
    assert folder_lock.carries_locks(kind, set(options.split(","))) is carries


@in_namespaces
def test_the_kind_of_a_file_system_is_that_of_the_mount(outer: Path) -> None:
    code = "import os,sys; from rokuon.runtime import folder_lock; print(folder_lock.file_system(os.open(sys.argv[1], os.O_RDONLY)))"
    told = subprocess.run(
        [*NEW_CONTAINER, "sh", "-c", 'mount -t tmpfs -o noatime tmpfs "$0" && exec "$1" -c "$2" "$0"', outer, sys.executable, code],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.startswith("('tmpfs', ")
    assert "'noatime'" in told
