"""Workers that are killed, stopped, frozen or disconnected at any time. `make crash` runs more of it; a failure prints the seed."""

import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from rokuon.ledger.models import Run
from rokuon.org.models import Target
from tests.crash.processes import Worker, until
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig, small_world

KILLS = int(os.environ.get("TEST_KILLS", "10"))
SEED = int(os.environ.get("TEST_SEED", "1"))
PLAIN = ("-m", "rokuon", "worker", "--one")


def finished() -> bool:
    return not Run.objects.filter(state="running").exists()


def slow_world(rig_of: MakeRig, recordings: int, seconds: float, **how: Any) -> Rig:
    """Make each download take `seconds`, so that a test can interrupt it."""
    rig = rig_of(world=small_world(recordings=recordings, long_call_s=0), **how)
    rig.sim.faults.load([{"endpoint": "media_blob", "action": {"kind": "delay", "seconds": seconds}}])
    # The rules are new, so that only Back up now copies the past and no sweep does its work.
    Target.objects.update(backed_up_at=rig.clock())
    return rig


def some_audio(rig: Rig, least: int = 3) -> bool:
    return sum(key.endswith(".mp3") for key in rig.objects()) >= least


def test_random_kills_lose_nothing_double_nothing_and_spend_nothing(rig_of: MakeRig, outer: Path) -> None:
    rng = random.Random(SEED)
    rig = slow_world(rig_of, 12 * KILLS, 0.6, ROKUON_TRANSFERS="4")
    rig.start()
    for _ in range(KILLS):
        with Worker(rig.environment, outer / "logs") as worker:
            time.sleep(1.0 + rng.uniform(0, 2.0))
            worker.kill()
        rig.check_without_spool(finished=False)
    rig.sim.faults.clear()
    with Worker(rig.environment, outer / "logs") as worker:
        until(finished, f"the run ends, seed {SEED}", 60, worker)
        worker.terminate()
    rig.check()
    assert max(rig.attempts()) == 0, f"seed {SEED}"


def test_e24_a_stop_in_the_middle_ends_in_time_with_0_and_the_rest_is_done_later(rig_of: MakeRig, outer: Path) -> None:
    rig = slow_world(rig_of, 60, 0.5, ROKUON_TRANSFERS="3")
    rig.start()
    with Worker(rig.environment, outer / "logs") as worker:
        until(lambda: some_audio(rig), "some recordings are stored", 30, worker)
        assert worker.terminate() < 25
        assert worker.process.returncode == 0, worker.said
    assert not finished(), "the stop came in the middle"
    rig.check(finished=False)
    rig.sim.faults.clear()
    with Worker(rig.environment, outer / "logs") as worker:
        took = until(finished, "the run ends", 30, worker)
        assert took < 15, "a stopped worker hands its jobs back at once: nobody has to wait for it to be found dead"
    rig.check()


def test_e12_a_dead_worker_that_never_returns_is_replaced_within_90_seconds_by_another(rig_of: MakeRig, outer: Path) -> None:
    """With the real interval of heartbeats: the limits are 30 s for a restart and 90 s for another worker."""
    rig = slow_world(rig_of, 20, 0.5, ROKUON_TRANSFERS="2")
    rig.start()
    with Worker(rig.environment, outer / "logs", command=PLAIN) as first:
        until(lambda: some_audio(rig), "some recordings are stored", 30, first)
        first.kill()
    rig.sim.faults.clear()
    with Worker(rig.environment, outer / "logs", command=PLAIN) as second:
        assert until(finished, "the run ends", 90, second) < 30
        second.terminate()
    rig.check()


def test_e11_a_frozen_worker_that_wakes_up_takes_nothing_back(rig_of: MakeRig, outer: Path) -> None:
    rig = slow_world(rig_of, 30, 0.3, ROKUON_TRANSFERS="3")
    rig.start()
    with Worker(rig.environment, outer / "logs") as sleeper:
        until(lambda: some_audio(rig), "some recordings are stored", 30, sleeper)
        sleeper.pause()
        rig.sim.faults.clear()
        # With the supervisor: the frozen worker may hold a lock of the queue, and a start fails until its transaction is terminated.
        with Worker({**rig.environment, "ROKUON_LOG_LEVEL": "info"}, outer / "logs", command=("-m", "rokuon", "worker")) as other:
            until(finished, "the other finishes the run", 90, other, sleeper)
            rig.check_without_spool()
            before = rig.checker().rows()
            sleeper.resume()
            time.sleep(1.5)
            assert rig.checker().rows() == before
            other.terminate()
            sleeper.terminate()
    rig.check()


def test_e10_q44_four_workers_on_one_company_make_one_object_each(rig_of: MakeRig, outer: Path) -> None:
    rig = slow_world(rig_of, 60, 0.05)
    rig.start()
    workers = [Worker(rig.environment, outer / "logs") for _ in range(3)]
    until(finished, "the run ends", 60, *workers)
    for worker in workers:
        worker.terminate()
        assert worker.process.returncode == 0
    rig.check()


def test_e13_e15_connections_of_the_database_that_break_all_the_time_lose_nothing(rig_of: MakeRig, outer: Path) -> None:
    rig = slow_world(rig_of, 40, 0.1, ROKUON_TRANSFERS="4")
    rig.start()
    stop, cut = threading.Event(), [0]

    def cutter() -> None:
        rng = random.Random(SEED)
        with psycopg.connect(rig.dsn, autocommit=True, application_name="nemesis") as own:
            while not stop.wait(rng.uniform(0.2, 0.8)):
                cut[0] += own.execute(
                    """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                        WHERE datname = current_database() AND usename = current_user  -- not an autovacuum worker
                          AND pid <> pg_backend_pid() AND application_name <> 'pytest'"""
                ).fetchone()[0]  # type: ignore[index]

    with connection.cursor() as cursor:
        cursor.execute("SET application_name = 'pytest'")
    nemesis = threading.Thread(target=cutter)
    with Worker(rig.environment, outer / "logs") as worker:
        until(lambda: some_audio(rig, 1), "the work has begun", 30, worker)
        nemesis.start()
        time.sleep(5)
        stop.set()
        nemesis.join()
        if worker.process.poll() is not None:
            pytest.fail(f"the worker gave up: {worker.said[-3000:]}")
        until(finished, "the run ends", 60, worker)
        worker.terminate()
    assert cut[0] > 5
    rig.check()


def test_a_worker_without_its_database_says_so_and_ends(rig_of: MakeRig, outer: Path) -> None:
    rig = rig_of(world=small_world(recordings=20))
    away = {"ROKUON_DATABASE_URL": "postgresql://rokuon:canary-4711@127.0.0.1:1/rokuon"}
    with Worker({**rig.environment, **away}, outer / "logs", command=PLAIN) as worker:
        assert worker.dies() == 2
        assert "ROKUON_DATABASE_URL" in worker.said
        assert "canary-4711" not in worker.said
        assert "Traceback" not in worker.said


def test_a_second_sigterm_does_not_hurt(rig_of: MakeRig, outer: Path) -> None:
    rig = slow_world(rig_of, 30, 0.5, ROKUON_TRANSFERS="2")
    rig.start()
    with Worker(rig.environment, outer / "logs") as worker:
        until(lambda: some_audio(rig, 1), "the work has begun", 30, worker)
        worker.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert worker.terminate() < 25
        assert worker.process.returncode == 0, worker.said
    rig.check(finished=False)
