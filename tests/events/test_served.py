"""Events at the served console: `rokuon serve` as a process, sockets, a database that goes away, `kill -9` (rows W4, W7 to W10)."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rokuon.events.models import Hint, Hook
from rokuon.ledger.models import Copy
from rokuon.wiring import hooks
from tests.crash.processes import until
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig, small_world

from .test_hook import secret_of
from .test_sweeps import sweep
from .tokens import EVENT, token


class Served:
    """`rokuon serve` for a rig whose Dialpad sends no events of its own."""

    def __init__(self, rig: Rig, *options: str, dsn_tail: str = "") -> None:
        self.rig, self.hook = rig, hooks.hook_of(rig.installation, rig.company.pk)
        self.secret = secret_of(rig, self.hook.secret)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.log = rig.folder / "serve.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rokuon", "serve", *options],
                env={
                    **os.environ,
                    **rig.environment,
                    "ROKUON_LISTEN": f"127.0.0.1:{self.port}",
                    "ROKUON_DATABASE_URL": rig.dsn + dsn_tail,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def body(self, call_id: object, **changes: Any) -> bytes:
        started = int(self.rig.clock().timestamp() * 1000)
        return token({**EVENT, "call_id": call_id, "date_started": started, "event_timestamp": started, **changes}, self.secret)

    def post(self, body: bytes, path: str = "", timeout: float = 30) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("POST", f"/hooks/dialpad/{path or self.hook.path}", body, {"Content-Type": "text/plain"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as one:
                one.sendall(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                return one.recv(64).split(b" ")[1:2] == [b"200"]
        except OSError:
            return False

    def workers(self) -> list[int]:
        """The processes that answer."""
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [int(pid) for pid in listed.stdout.split()]

    def memory(self) -> int:
        """Bytes that the answering processes hold."""
        status = [Path(f"/proc/{pid}/statm").read_text().split() for pid in self.workers()]
        return sum(int(fields[1]) for fields in status) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def served(rig_of: MakeRig) -> Iterator[Callable[..., Served]]:
    made: list[Served] = []

    def make(*options: str, **how: Any) -> Served:
        made.append(Served(rig_of(world=small_world(recordings=4, days=2)), *options, **how))
        until(made[-1].ready, "the console answers")
        return made[-1]

    yield make
    for one in made:
        one.process.terminate()
        one.process.wait(40)


@contextmanager
def locked(dsn: str, statement: str) -> Iterator[None]:
    """Something that the web process needs is held by somebody else."""
    with psycopg.connect(dsn, application_name="nemesis") as connection:
        connection.execute(statement)  # type: ignore[arg-type]
        yield
        connection.rollback()


@contextmanager
def away(dsn: str) -> Iterator[None]:
    """The database takes nobody in and has thrown everybody out, but for this test."""
    from django.db import connection

    def ask(allowed: str) -> None:
        with psycopg.connect(dsn.replace(f"/{name}?", "/rokuon?"), autocommit=True) as own:
            own.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {allowed}")  # type: ignore[arg-type]
            if allowed == "false":
                own.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s", [name, mine])

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), current_database()")
        mine, name = cursor.fetchone()
    ask("false")
    try:
        yield
    finally:
        ask("true")


def found_by_a_sweep(rig: Rig) -> None:
    rig.advance(minutes=10)
    sweep(rig)
    assert set(Copy.objects.values_list("state", flat=True)) == {"verified"}
    rig.check()


def test_w4_forged_events_all_get_one_answer_and_a_flood_of_them_is_told(served: Callable[..., Served]) -> None:
    """Another secret, no signature, another address: 401 with the same body, nothing kept but a count. More than 20 in a minute: told."""
    one = served("--processes", "1")
    forged = [token(secret="x" * 43), b'{"call_id": 1}', b"", token(header={"alg": "none"})]
    answers = {one.post(body) for body in forged} | {one.post(one.body(1), path="A" * 22)}
    assert answers == {(401, b"")}
    assert not Hint.objects.exists()
    assert "events_forged" not in one.log.read_text()
    for _ in range(40):
        assert one.post(forged[0]) == (401, b"")
    hook = Hook.objects.get()
    assert (hook.refused, hook.flood_at is not None) == (21, True), "beyond the alarm nothing is written"
    assert one.log.read_text().count("events_forged") == 1
    assert one.post(one.body(2))[0] == 200, "who is signed is heard all the same"


def test_w7_large_and_slow_senders_harm_neither_memory_nor_those_who_are_signed(served: Callable[..., Served]) -> None:
    one = served("--processes", "1", "--threads", "8")
    assert one.post(one.body(0))[0] == 200
    before, path = one.memory(), f"POST /hooks/dialpad/{one.hook.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
    slow = [socket.create_connection(("127.0.0.1", one.port)) for _ in range(4)]
    for number, connection in enumerate(slow):
        connection.sendall(path + (b"X-" if number % 2 else b"Content-Length: 1000\r\n\r\nab"))
    took = []
    for number in range(1, 21):
        with socket.create_connection(("127.0.0.1", one.port), timeout=20) as large:
            large.sendall(path + b"Content-Length: 5242880\r\n\r\n" + b"x" * 65_536)
            assert large.recv(64).split(b" ")[1] == b"413"
        with socket.create_connection(("127.0.0.1", one.port), timeout=20) as endless:
            endless.sendall(path + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            assert endless.recv(64).split(b" ")[1] in (b"411", b"413")
        began = time.monotonic()
        assert one.post(one.body(number))[0] == 200
        took.append(time.monotonic() - began)
    assert sorted(took)[10] < 1, "who is signed does not wait for the others"
    assert one.memory() - before < 30 << 20
    assert Hint.objects.count() == 21
    for connection in slow:
        connection.close()


def test_w8_while_the_database_is_away_or_locked_nothing_is_acknowledged_and_a_sweep_heals(served: Callable[..., Served]) -> None:
    one = served("--processes", "1", dsn_tail="&options=-c%20lock_timeout%3D2s")
    one.rig.back_up_now()
    body = one.body(one.rig.end_call().call_ids[0])
    with away(one.rig.dsn):
        assert one.post(body)[0] == 503
    until(one.ready, "the database is back")
    with locked(one.rig.dsn, "LOCK TABLE events_hint IN EXCLUSIVE MODE"):
        assert one.post(body, timeout=60)[0] == 503
    assert not Hint.objects.exists()
    found_by_a_sweep(one.rig)
    assert one.post(body)[0] == 200, "Dialpad's next attempt is welcome"


def test_w9_a_web_process_killed_in_the_middle_leaves_the_event_once_or_not_at_all(served: Callable[..., Served]) -> None:
    """Killed before the row, between the row and its job, and between those and the answer: locks of somebody else hold it at that
    very place."""
    one = served("--processes", "1")
    one.rig.back_up_now()
    bodies = [one.body(one.rig.end_call().call_ids[0]), one.body(7), one.body(8)]
    for body, statement, new in (
        (bodies[0], "LOCK TABLE events_hint IN EXCLUSIVE MODE", 0),
        (bodies[1], "LOCK TABLE procrastinate_jobs IN EXCLUSIVE MODE", 1),
        (bodies[2], "SELECT * FROM events_hook FOR UPDATE", 1),
    ):
        before = Hint.objects.count()
        with ThreadPoolExecutor(1) as sender:
            with locked(one.rig.dsn, statement):
                answer = sender.submit(one.post, body)
                until(lambda: waits_for_a_lock(one.rig.dsn), "the event is in the middle")
                assert Hint.objects.count() == before + new
                (worker,) = one.workers()
                os.kill(worker, signal.SIGKILL)
                with pytest.raises((OSError, http.client.HTTPException)):
                    answer.result(30)
            until(one.ready, "another process answers")
            until(lambda: not waits_for_a_lock(one.rig.dsn), "the dead one's transaction is over")
        assert before + new <= Hint.objects.count() <= before + 1
    found_by_a_sweep(one.rig)
    assert [one.post(body)[0] for body in bodies * 2] == [200] * 6
    assert Hint.objects.count() == 3, "each event is one row, however often it is sent"


def waits_for_a_lock(dsn: str) -> bool:
    with psycopg.connect(dsn, autocommit=True) as own:
        waiting = own.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
        return waiting.fetchone() != (0,)


def test_w10_every_event_of_a_burst_is_kept_and_acknowledged(served: Callable[..., Served]) -> None:
    """As many as three hundred a second for a minute: `make bench`."""
    one = served()
    bodies = [one.body(number) for number in range(1, 401)]
    with ThreadPoolExecutor(8) as senders:
        assert {status for status, _ in senders.map(one.post, bodies)} == {200}
    assert Hint.objects.filter(due_at__lte=one.rig.clock() + timedelta(seconds=1)).count() == 400
