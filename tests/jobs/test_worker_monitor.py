"""Nobody works, and someone hears of it: the thread in the web server, by itself and in its processes."""

import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection

from rokuon.accounts.models import Person
from rokuon.jobs import queue, worker_monitor
from rokuon.jobs.worker_monitor import WorkerMonitor
from rokuon.notify.models import Mail, Notice
from tests.cli.conftest import interrupt, on_database, wait_until
from tests.cli.test_serve import running
from tests.jobs.conftest import empty_the_queue
from tests.ledger.factory import NOW, World
from tests.notify.conftest import smtp
from tests.notify.mail_server import MailServer

__all__ = ["smtp"]


class Wall:
    """Two clocks: the wall's, and the one that stands while the machine sleeps."""

    def __init__(self) -> None:
        self.now, self.seconds = NOW, 1000.0

    def clock(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.seconds

    def forward(self, minutes: float, *, asleep: bool = False) -> None:
        self.now += timedelta(minutes=minutes)
        self.seconds += 0 if asleep else minutes * 60

    def monitor(self) -> WorkerMonitor:
        return WorkerMonitor("https://rokuon.example", clock=self.clock, monotonic=self.monotonic)


@pytest.fixture
def wall() -> Wall:
    return Wall()


def watched(guard: WorkerMonitor, wall: Wall, minutes: int) -> None:
    for _ in range(minutes):
        wall.forward(1)
        guard.look()


def a_worker_gives_a_sign() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()), (now())")


def operator() -> None:
    Person.objects.create(email="olga@example.com", is_operator=True, language="ja")


def test_ten_minutes_without_a_worker_are_told_once_by_whoever_watches(world: World, smtp: MailServer, wall: Wall) -> None:
    operator()
    guards = [wall.monitor(), wall.monitor()]
    for _ in range(9):
        watched(guards[0], wall, 1)
        guards[1].look()
    assert smtp.taken == [], "not within ten minutes of its start"
    for _ in range(20):
        watched(guards[0], wall, 1)
        guards[1].look()
    assert smtp.readers == ["olga@example.com"]
    assert smtp.mails[0]["Subject"] == "Rokuon: ワーカーが動作していないため、バックアップが停止しています"
    assert Notice.objects.filter(kind="no_worker", ended_at=None).count() == 1


def test_a_worker_that_lives_is_no_news_and_neither_is_one_that_restarts(world: World, smtp: MailServer, wall: Wall) -> None:
    operator()
    guard = wall.monitor()
    for _ in range(3):
        a_worker_gives_a_sign()
        watched(guard, wall, 8)
        empty_the_queue()
        watched(guard, wall, 8)
    assert not Notice.objects.exists()


def test_what_waited_for_a_worker_to_send_it_is_sent(world: World, smtp: MailServer, wall: Wall) -> None:
    operator()
    Mail.objects.create(occasion="trial", to="ken@acme.example", language="en", letter={"occasion": "trial"}, due_at=NOW)
    watched(wall.monitor(), wall, 12)
    assert sorted(smtp.readers) == ["ken@acme.example", "olga@example.com"]


def test_a_machine_that_slept_says_nothing_about_workers(world: World, smtp: MailServer, wall: Wall) -> None:
    guard = wall.monitor()
    watched(guard, wall, 5)
    wall.forward(600, asleep=True)
    guard.look()
    assert not Notice.objects.exists()


def test_a_process_that_begins_long_after_the_server_has_not_watched_yet(world: World, smtp: MailServer, wall: Wall) -> None:
    guard = wall.monitor()  # made before the fork, also of the process that replaces a dead one
    wall.forward(600)
    guard.look()
    assert not Notice.objects.exists()
    watched(guard, wall, 10)
    assert Notice.objects.filter(kind="no_worker").count() == 1


def test_a_database_that_was_away_says_nothing_about_workers(
    world: World, smtp: MailServer, wall: Wall, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(_seconds: float) -> int:
        raise OperationalError("the server is away")

    guard, asks = wall.monitor(), queue.live_workers
    monkeypatch.setattr(worker_monitor.queue, "live_workers", away)
    watched(guard, wall, 30)
    monkeypatch.setattr(worker_monitor.queue, "live_workers", asks)
    guard.look()
    assert "worker_monitor_sees_nothing" in caplog.text
    assert not Notice.objects.exists()
    watched(guard, wall, 11)
    assert Notice.objects.filter(kind="no_worker").count() == 1


def test_a_server_with_no_worker_sends_its_mail_once_and_stops_in_order(database_url: str, outer: Path, smtp: MailServer) -> None:
    operator()
    mail_server = f"smtp://127.0.0.1:{smtp.port}?tls=none"
    rokuon = on_database(outer, database_url, ROKUON_SMTP_URL=mail_server)
    with running(rokuon, "serve", "--processes", "2", "--silent-after", "3") as (process, _port):
        wait_until(lambda: bool(smtp.taken), 30)
        told = Notice.objects.get()
        time.sleep(3)  # a dozen more looks of two processes
        assert process.poll() is None
        assert smtp.readers == ["olga@example.com"]
        stopped = interrupt(process)
    assert stopped.code == 0, stopped.err
    assert (told.kind, told.ended_at) == ("no_worker", None)
    assert "olga" not in stopped.err
