"""`rokuon serve` and `rokuon up` as processes: they answer, they stop in order, they leave nothing running, they refuse plainly."""

import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from rokuon.runtime import postgres

from .conftest import Answer, Rokuon, interrupt, processes_of, wait_until

STOP_S = 10
ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, path: str = "/healthz", method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer
    finally:
        connection.close()


def health_check(port: int) -> tuple[int, str]:
    """The command of the container's health check, as the Dockerfile has it."""
    line = next(line for line in (ROOT / "deploy/Dockerfile").read_text().split("\n") if line.startswith("HEALTHCHECK"))
    command = json.loads(line[line.index("[") :])
    environment = {**os.environ, "ROKUON_LISTEN": f"0.0.0.0:{port}"}
    done = subprocess.run([sys.executable, *command[1:]], env=environment, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout.strip()


def answers(port: int) -> bool:
    try:
        return ask(port).status == 200
    except OSError:
        return False


@contextmanager
def running(rokuon: Rokuon, *command: str, **environment: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    port = free_port()
    process = rokuon.start(*command, ROKUON_LISTEN=f"127.0.0.1:{port}", ROKUON_LOG_LEVEL="debug", **environment)
    try:
        wait_until(lambda: process.poll() is not None or answers(port), 40)
        assert process.poll() is None, process.communicate()
        yield process, port
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def ours(rokuon: Rokuon) -> list[str]:
    """Processes of this installation besides its database, which the tests keep running."""
    return [line for line in processes_of(str(rokuon.data)) if "rokuon" in line and "postgres" not in line]


def stopped(process: "subprocess.Popen[str]", number: int) -> tuple[Answer, float]:
    began = time.monotonic()
    return interrupt(process, number), time.monotonic() - began


def test_the_health_check_of_a_console_that_is_away_fails() -> None:
    assert health_check(free_port()) == (1, "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_serve_answers_and_a_stop_ends_it_with_0_within_ten_seconds(empty: Rokuon, number: int) -> None:
    with running(empty, "serve") as (process, port):
        assert ask(port, "/readyz").status == 200
        assert health_check(port) == (0, "200 ok")
        assert ask(port, "/", Cookie="a=b").status == 302
        idle = http.client.HTTPConnection("127.0.0.1", port)
        idle.request("GET", "/healthz")  # a browser that keeps its connection does not hold the stop up
        idle.getresponse().read()
        answer, took = stopped(process, number)
        idle.close()
    assert answer.code == 0, answer.err
    assert took < STOP_S
    assert "Traceback" not in answer.err
    wait_until(lambda: not ours(empty))


def test_up_serves_and_works_restarts_what_dies_and_stops_both(empty: Rokuon) -> None:
    with running(empty, "up") as (process, port):
        wait_until(lambda: any("--one" in line for line in ours(empty)), 20)
        [web] = [pid for pid, line in _lines() if "serve" in line and str(empty.data) in _environment(pid) and _parent(pid) == process.pid]
        os.kill(web, signal.SIGKILL)
        wait_until(lambda: not answers(port), 10)
        wait_until(lambda: answers(port), 30)
        answer, _took = stopped(process, signal.SIGTERM)
    assert answer.code == 0, answer.err
    assert "process_ended" in answer.err
    assert f"http://127.0.0.1:{port}" in answer.out
    wait_until(lambda: not ours(empty))


def test_killed_up_leaves_nothing_running(empty: Rokuon) -> None:
    with running(empty, "up") as (process, _port):
        wait_until(lambda: any("--one" in line for line in ours(empty)), 20)
        process.kill()
        process.communicate()
    wait_until(lambda: not ours(empty), 30)


@pytest.mark.parametrize("command", ["serve", "up"])
def test_taken_port_is_refused_with_a_sentence_and_nothing_is_started(empty: Rokuon, command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        answer = empty(command, ROKUON_LISTEN=f"127.0.0.1:{taken.getsockname()[1]}")
    assert answer.code == 2
    assert "ROKUON_LISTEN" in answer.err
    assert "Traceback" not in answer.err
    assert not ours(empty)


def test_an_address_of_another_machine_is_refused(empty: Rokuon) -> None:
    answer = empty("serve", ROKUON_LISTEN="192.0.2.1:8377")
    assert (answer.code, "192.0.2.1:8377" in answer.err) == (2, True)


@pytest.mark.parametrize("command", ["serve", "up"])
def test_database_without_migrations_is_refused(empty: Rokuon, embedded_dsn: str, command: str) -> None:
    name = "cli_serve_unmigrated"
    with psycopg.connect(embedded_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        answer = empty(command, ROKUON_DATABASE_URL=embedded_dsn.replace("/rokuon?", f"/{name}?"), ROKUON_LISTEN=f"127.0.0.1:{free_port()}")
    finally:
        with psycopg.connect(embedded_dsn, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    assert (answer.code, "rokuon migrate" in answer.err) == (2, True), answer.err


def test_a_database_that_goes_away_is_a_page_and_is_there_again_when_it_is(empty: Rokuon) -> None:
    with running(empty, "serve") as (process, port):
        signed_in = {"Cookie": f"rokuon-{port}={'a' * 32}"}
        assert ask(port, "/", **signed_in).status == 302
        with (empty.data / "postgres.start").open("r+") as starting:  # nobody starts it again meanwhile
            fcntl.flock(starting, fcntl.LOCK_EX)
            postgres.stop(empty.data)
            away = ask(port, "/", **signed_in)
            assert (away.status, away.headers["Retry-After"]) == (503, "10")
            assert (ask(port, "/healthz").status, ask(port, "/readyz").status) == (200, 503)
            assert health_check(port) == (1, "503 not ready")
        with postgres.ensure_running(empty.data):
            assert ask(port, "/", **signed_in).status == 302
            assert ask(port, "/readyz").status == 200
            answer = interrupt(process, signal.SIGTERM)
    assert answer.code == 0
    assert "request_without_database" in answer.err
    assert "Traceback" not in answer.err


def test_slow_clients_and_bad_framing_do_not_keep_the_others_waiting(empty: Rokuon) -> None:
    with running(empty, "serve", "--processes", "1", "--threads", "2") as (process, port):
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
        for one in slow:
            one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-")  # and never the rest
        began = time.monotonic()
        while not answers(port):
            assert time.monotonic() - began < 45
        for one in slow:
            one.close()
        for request, status in (
            (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"414"),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 9000 + b"\r\n\r\n", b"431"),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(90)) + b"\r\n", b"431"),
            (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
            (b"POST /language/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\nabc", b"413"),
            (b"TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"405"),
            (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"400"),
        ):
            with socket.create_connection(("127.0.0.1", port), timeout=20) as one:
                one.sendall(request)
                assert one.recv(64).split(b" ")[1] == status, request[:40]
        answer = interrupt(process, signal.SIGTERM)
    assert answer.code == 0
    assert "Traceback" not in answer.err


def raw(port: int, request: bytes) -> bytes:
    """What the server answers, until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as one:
        one.sendall(request)
        return b"".join(iter(lambda: one.recv(65536), b""))


def test_q51_a_request_names_exactly_one_host_or_is_refused(empty: Rokuon) -> None:
    end = b"Connection: close\r\n\r\n"
    with running(empty, "serve", "--processes", "1", "--threads", "2") as (_process, port):
        for path in (b"/", b"/healthz", b"/readyz", b"/robots.txt", b"/sign-in/", b"/hooks/dialpad/x", b"/static/rokuon/console.css"):
            for head in (
                b" HTTP/1.1\r\n",
                b" HTTP/1.1\r\nHost:\r\n",
                b" HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n",
                b" HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n",
                b" HTTP/1.1\r\nHost: local host\r\n",
                b" HTTP/1.1\r\nX-Forwarded-Host: localhost\r\n",
            ):
                for method in (b"GET ", b"POST "):
                    answer = raw(port, method + path + head + end)
                    assert answer.startswith(b"HTTP/1.1 400 "), (method, path, head, answer[:200])
        assert raw(port, b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n" + end).startswith(b"HTTP/1.1 400 ")
        assert raw(port, b"GET http://localhost/ HTTP/1.1\r\n" + end).startswith(b"HTTP/1.1 400 ")
        # What answers all the same: a target that is the host, and a balancer that asks with HTTP/1.0 how the server is.
        assert raw(port, b"GET http://localhost/healthz HTTP/1.1\r\nHost: evil.example\r\n" + end).startswith(b"HTTP/1.1 200 ")
        assert raw(port, b"GET /healthz HTTP/1.1\r\nHost: 10.0.0.7\r\n" + end).startswith(b"HTTP/1.1 200 ")
        assert b" 200 " in raw(port, b"GET /healthz HTTP/1.0\r\n\r\n")[:20]


def _lines() -> list[tuple[int, str]]:
    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout.splitlines()
    return [(int(line.split(None, 1)[0]), line.split(None, 1)[1]) for line in listed]


def _parent(pid: int) -> int:
    return int(subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout or 0)


def _environment(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return ""
