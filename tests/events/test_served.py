"""Events at the served console: `rokuon serve` as a process, sockets, a database that goes away, `kill -9` (rows W4, W7 to W10)."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rokuon.events.models import Hint, Hook
from rokuon.ledger.models import Copy
from rokuon.runtime.database_clock import database_now
from rokuon.wiring import webhook_upkeep
from tests.crash.processes import until
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig, small_world

from .test_hook import secret_of
from .test_sweeps import sweep
from .tokens import EVENT, token


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """`rokuon serve` for a rig whose Dialpad sends no events of its own."""

    def __init__(self, rig: Rig, *options: str, dsn_tail: str = "", **environment: str) -> None:
        self.rig, self.hook = rig, webhook_upkeep.hook_of(rig.installation, rig.company.pk)
        self.secret = secret_of(rig, self.hook.secret)
        self.port = free_port()
        self.log = rig.folder / "serve.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rokuon", "serve", *options],
                env={
                    **os.environ,
                    **rig.environment,
                    "ROKUON_LISTEN": f"127.0.0.1:{self.port}",
                    "ROKUON_DATABASE_URL": rig.dsn + dsn_tail,
                    **environment,
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
    """Something that the web process needs is held by someone else."""
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
                cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user AND pid <> %s"
                own.execute(cut, [name, mine])

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
            with suppress(OSError):
                endless.sendall(path + b"Transfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 65_536 + b"\r\n") * 20)
            assert endless.recv(64).split(b" ")[1] == b"413"
        began = time.monotonic()
        assert one.post(one.body(number))[0] == 200
        took.append(time.monotonic() - began)
    assert sorted(took)[10] < 1, "who is signed does not wait for the others"
    assert one.memory() - before < 30 << 20
    assert Hint.objects.count() == 21
    for connection in slow:
        connection.close()


CHUNKED = {
    "in one piece": lambda body: b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
    "byte by byte": lambda body: b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n",
    "with extensions and a trailer": lambda body: b"%X;a=b\r\n%b\r\n000;end\r\nX-Sum: 1\r\n\r\n" % (len(body), body),
    "a line break behind the token in a piece of its own": lambda body: b"%x\r\n%b\r\n1\r\n\n\r\n0\r\n\r\n" % (len(body), body),
}
BROKEN = {
    "no size": b"zz\r\nabc\r\n",
    "a piece that is longer than it says": b"1\r\nabc\r\n0\r\n\r\n",
    "ends early": b"10\r\nabc",
    "ends before the last piece": b"3\r\nabc\r\n",
}


HEAD = b"POST /hooks/dialpad/%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n"
SLOW = {
    "heads": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-",
    "bodies": HEAD + b"Content-Length: 1000000\r\n\r\neyJ",
    "bodies in pieces": HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\neyJ\r\n",
    "bodies of a form": b"POST /sign-in/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000\r\n\r\na=b",
    "a second request": b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET / HTTP/1.1\r\nHost: 1",
    "nothing": b"",
}


def test_w7_two_hundred_slow_senders_keep_nobody_waiting(served: Callable[..., Served]) -> None:
    """Of every kind at once, and one more byte from each every second: none of them has a thread."""
    keep_nobody_waiting(served("--processes", "1", "--threads", "2"))


CADDYFILE = Path(__file__).parents[2] / "deploy" / "Caddyfile"


@pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed")
def test_w7_nor_do_they_through_the_shipped_caddyfile(served: Callable[..., Served], outer: Path) -> None:
    """With plain http at a port of this machine, for want of a certificate; all else as it is shipped."""
    one = served("--processes", "1", "--threads", "2")
    behind, one.port = one.port, free_port()
    text = CADDYFILE.read_text().replace("\n{\n", "\n{\n\tadmin off\n\tauto_https off\n", 1)
    text = text.replace("rokuon.example.com {", f"http://127.0.0.1:{one.port} {{", 1).replace("127.0.0.1:8377", f"127.0.0.1:{behind}")
    (outer / "Caddyfile").write_text(text)
    with (outer / "caddy.log").open("wb") as log:
        command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(outer / "Caddyfile")]
        caddy = subprocess.Popen(command, env={**os.environ, "HOME": str(outer), **word_for_buffering()}, stdout=log, stderr=log)
    try:
        until(one.ready, "Caddy answers")
        keep_nobody_waiting(one)
    finally:
        caddy.terminate()
        caddy.wait(40)


def word_for_buffering() -> dict[str, str]:
    """`buffer_requests` up to Caddy 2.6.2, as the file has it; `request_buffers` since."""
    version = subprocess.run(["caddy", "version"], capture_output=True, text=True, check=True).stdout.lstrip("v").split()[0]
    old = tuple(map(int, version.split("-")[0].split("."))) < (2, 6, 3)
    return {} if old else {"ROKUON_CADDY_BUFFERING": "request_buffers 1MB"}


def keep_nobody_waiting(one: Served) -> None:
    """Prints how long the others waited at most."""
    slow = [(socket.create_connection(("127.0.0.1", one.port)), list(SLOW.values())[n % len(SLOW)]) for n in range(200)]
    took: dict[str, float] = {}
    for connection, begin in slow:
        connection.sendall(begin % one.hook.path.encode() if b"%s" in begin else begin)
    for number in range(8):
        for connection, begin in slow:
            with suppress(OSError):
                connection.sendall(b"a" if begin else b"")
        for path in ("/healthz", "/readyz"):
            began = time.monotonic()
            with socket.create_connection(("127.0.0.1", one.port), timeout=5) as asking:
                asking.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
                assert asking.recv(64).split(b" ")[1] == b"200"
            took[path] = max(took.get(path, 0), time.monotonic() - began)
        began = time.monotonic()
        assert one.post(one.body(700 + number), timeout=5)[0] == 200
        took["events"] = max(took.get("events", 0), time.monotonic() - began)
        time.sleep(1)
    print(" ".join(f"{what}: {seconds:.2f} s" for what, seconds in took.items()))
    assert Hint.objects.filter(call_id__startswith="70").count() == 8
    until(lambda: all(gone(connection) for connection, _ in slow), "the slow ones lose their connection", 60)
    for connection, _ in slow:
        connection.close()


def gone(connection: socket.socket) -> bool:
    """Whether the server has ended the connection; what it said is read."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def test_w7_who_knocks_at_no_hook_is_sent_away_before_the_body(served: Callable[..., Served]) -> None:
    one = served("--processes", "1", "--threads", "2")
    for length in (b"Content-Length: 900000", b"Transfer-Encoding: chunked", b"Content-Length: 900000\r\nExpect: 100-continue"):
        with socket.create_connection(("127.0.0.1", one.port), timeout=20) as stranger:
            stranger.sendall(HEAD % b"nobody" + length + b"\r\n\r\n")
            assert stranger.recv(64).startswith(b"HTTP/1.1 401 ")
        with socket.create_connection(("127.0.0.1", one.port), timeout=20) as ours:
            ours.sendall(HEAD % one.hook.path.encode() + length + b"\r\n\r\n")
            ours.settimeout(1.5)
            try:
                said = ours.recv(64)
            except TimeoutError:
                said = b""
            assert said == (b"HTTP/1.1 100 Continue\r\n\r\n" if b"Expect" in length else b"")
    assert one.post(one.body(801))[0] == 200


def test_w7_hooks_never_have_all_of_the_threads(served: Callable[..., Served]) -> None:
    """Events wait for a table that someone has locked, more of them than there are threads; the console goes on."""
    one = served("--processes", "1", "--threads", "4")
    with ThreadPoolExecutor(12) as pool:
        with locked(one.rig.dsn, "LOCK TABLE events_hint IN ACCESS EXCLUSIVE MODE"):
            posted = [pool.submit(one.post, one.body(900 + number)) for number in range(12)]
            time.sleep(1)
            for _ in range(3):
                assert one.ready()
            assert not any(post.done() for post in posted)
        assert [post.result()[0] for post in posted] == [200] * 12


def test_w7_a_body_that_comes_in_pieces_is_a_body(served: Callable[..., Served]) -> None:
    one = served("--processes", "1")
    head = f"POST /hooks/dialpad/{one.hook.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()

    def post(sent: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", one.port), timeout=20) as connection:
            connection.sendall(head + sent)
            connection.shutdown(socket.SHUT_WR)
            return connection.recv(64).split(b" ")[1]

    for number, (what, framed) in enumerate(CHUNKED.items(), 1):
        assert (what, post(framed(one.body(number)))) == (what, b"200")
        assert (what, post(framed(token(secret="x" * 43)))) == (what, b"401")
    assert {(what, post(sent)) for what, sent in BROKEN.items()} == {(what, b"400") for what in BROKEN}
    assert set(Hint.objects.values_list("call_id", flat=True)) == {"1", "2", "3", "4"}
    assert "Traceback" not in one.log.read_text()
    with socket.create_connection(("127.0.0.1", one.port), timeout=20) as form:
        form.sendall(head.replace(f"/hooks/dialpad/{one.hook.path}".encode(), b"/sign-in/") + CHUNKED["in one piece"](b"a=b"))
        assert form.recv(64).split(b" ")[1] == b"411", "a form still says how long it is"


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
    """Killed before the row, between the row and its job, and between those and the answer: locks of someone else hold it at that
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


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed (tests/jobs/test_clocks.py shifts a clock itself)")
@pytest.mark.parametrize("off", ["+1d", "-1d"])
def test_e22_a_console_whose_clock_is_a_day_off_notes_events_by_the_databases(served: Callable[..., Served], off: str) -> None:
    # The program would stay between us and the console.
    library = subprocess.run(["faketime", "-f", off, "printenv", "LD_PRELOAD"], capture_output=True, text=True, check=True).stdout.strip()
    one = served("--processes", "1", LD_PRELOAD=library, FAKETIME=off)
    assert one.post(one.body(1))[0] == 200
    for noted in (Hint.objects.get().received_at, Hook.objects.get(pk=one.hook.pk).event_at):
        assert noted is not None
        assert abs(noted - database_now()) < timedelta(minutes=1)
