"""PostgreSQL's programs where nobody prepared the machine: installed in a closed folder, and run by a user without a name."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from rokuon.domain.failures import ConfigError
from rokuon.runtime import cluster, pg_copies, pg_programs, postgres
from tests.conftest import CHECKOUT_IS_OPEN

NAMELESS = 54321
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")


@as_root
def test_as_root_the_data_folder_may_lie_in_a_folder_that_is_closed_to_the_database_user(outer: Path) -> None:
    closed = outer / "root"
    data = closed / "rokuon" / "demo-data"
    data.mkdir(parents=True)
    closed.chmod(0o700)
    cluster.create_cluster(data)
    for _ in range(2):  # made, and come back to
        with postgres.ensure_running(data) as server, psycopg.connect(server.dsn) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("rokuon",)
    assert closed.stat().st_mode & 0o077 == 0  # nothing was opened for it
    assert pg_programs.owner_of(data / "postgres").name == pg_programs.SYSTEM_USER


@as_root
def test_as_root_a_data_folder_that_somebody_closed_is_named(outer: Path) -> None:
    data = outer / "data"
    data.mkdir()
    cluster.create_cluster(data)
    data.chmod(0o700)
    with pytest.raises(ConfigError, match=f"may not enter {data}"):
        postgres.ensure_running(data)


def installed_in_a_closed_folder(outer: Path, cache: Path) -> "subprocess.CompletedProcess[str]":
    """What a process says that makes a database with such programs: the program as the database's user runs it."""
    closed = outer / "root"
    closed.mkdir()
    package = pg_programs.package()
    for path in (package, package.parent / f"{package.name}.libs"):
        if path.is_dir():
            subprocess.run(["cp", "-a", path, closed], check=True)
    closed.chmod(0o700)
    (outer / "data").mkdir()
    run = (
        "import sys; from pathlib import Path\n"
        "from rokuon.runtime import cluster, pg_copies, pg_programs\n"
        "closed, cache, data = map(Path, sys.argv[1:])\n"
        "sys.path.insert(0, str(closed)); pg_copies.CACHE = cache\n"
        "made = cluster.create_cluster(data)\n"
        "print(pg_programs.program_for(made.owner, 'postgres'))"
    )
    return subprocess.run([sys.executable, "-c", run, closed, cache, outer / "data"], capture_output=True, text=True, check=False)


@as_root
def test_programs_installed_in_a_closed_folder_are_copied_to_where_everybody_may_run_and_only_root_may_change_them(outer: Path) -> None:
    cache = outer / "cache"
    ran = installed_in_a_closed_folder(outer, cache)
    assert ran.returncode == 0, ran.stderr
    assert Path(ran.stdout.strip()).is_relative_to(cache)
    for path in cache.rglob("*"):
        assert path.stat().st_uid == 0
        assert path.stat().st_mode & 0o022 == 0


@as_root
def test_a_cache_that_cannot_be_written_is_refused_with_what_to_do(outer: Path) -> None:
    (outer / "cache").write_text("a file")
    ran = installed_in_a_closed_folder(outer, outer / "cache")
    assert f"may not enter {outer / 'root'}" in ran.stderr
    assert "Run Rokuon as an ordinary user" in ran.stderr


@as_root
@pytest.mark.skipif(not CHECKOUT_IS_OPEN, reason="needs a checkout that other users may enter")
def test_a_user_id_without_a_name_makes_and_runs_a_database(outer: Path) -> None:
    data = outer / "data"
    data.mkdir()
    os.chown(data, NAMELESS, 0)
    assert pg_programs.Owner(NAMELESS, 0).name is None
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(0, 0, 0)
            os.setresuid(NAMELESS, NAMELESS, NAMELESS)
            _make_and_use(data)
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (data / "postgres" / "PG_VERSION").stat().st_uid == NAMELESS
    assert not (data / "postgres.programs").exists()


def _make_and_use(data: Path) -> None:
    """Without the keeper: the Python of the tests may lie where a user without a name cannot come."""
    made = cluster.create_cluster(data)
    cluster.prepare_socket_dir(made)
    with (data / "said").open("wb") as said:
        server = pg_programs.popen(
            made.owner, [str(pg_programs.program("postgres")), "-D", str(made.folder)], made.folder, output=said.fileno()
        )
    try:
        until = time.monotonic() + 30
        while not postgres.answers(data) and time.monotonic() < until:
            time.sleep(0.1)
        with psycopg.connect(made.dsn) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("rokuon",)
    finally:
        server.terminate()
        server.wait()


def test_a_build_that_asks_otherwise_for_its_users_name_is_not_patched(outer: Path) -> None:
    programs = outer / "package" / "pg" / "bin"
    programs.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (programs / name).write_bytes(b"\0getpwuid_r\0")
    with pytest.raises(pg_copies.Unpatchable), pg_copies.for_a_user_without_a_name(outer / "package", "pg", outer / "copy"):
        pytest.fail("it was patched")
    assert not (outer / "copy").exists()
    shutil.rmtree(outer / "package")


def test_what_gives_a_name_to_the_user_reaches_the_programs(outer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NSS_WRAPPER_PASSWD", "/etc/passwd")
    monkeypatch.setenv("PGHOST", "elsewhere")
    owner = pg_programs.Owner(os.geteuid(), os.getegid())
    with (outer / "said").open("w+b") as said:
        pg_programs.popen(owner, ["/usr/bin/env"], outer, output=said.fileno()).wait()
    assert "NSS_WRAPPER_PASSWD=/etc/passwd" in (outer / "said").read_text()
    assert "PGHOST" not in (outer / "said").read_text()
