"""Repeated shutdowns of the database in the middle of the work, as by a power cut (E13, E14, E16)."""

import os
import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psycopg

from rokuon.config import Config
from rokuon.runtime import cluster, installation, pg_programs, postgres
from rokuon.simulator import Simulator, SimulatorThread, Switches
from tests.checker import Checker, folder_objects
from tests.crash.processes import Worker, until
from tests.e2e.rig import small_world

CUTS = int(os.environ.get("TEST_CUTS", "3"))
SEED = int(os.environ.get("TEST_SEED", "1"))


def ask(dsn: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        return connection.execute(query).fetchall()


def more_than(bucket: Path, count: int) -> bool:
    return len(list(bucket.rglob("*.mp3"))) > count


def test_a_database_cut_off_in_mid_run_keeps_what_it_acknowledged_and_the_worker_goes_on(outer: Path) -> None:
    rng = random.Random(SEED)
    (outer / "db").mkdir(mode=0o711)
    made = cluster.create_cluster(outer / "db")
    server = postgres.ensure_running(outer / "db")
    dsn = made.dsn
    environment = {"ROKUON_DATA_DIR": str(outer / "inst"), "ROKUON_DATABASE_URL": dsn, "ROKUON_TRANSFERS": "4"}
    installation.init(Config.load(environment))
    bucket = outer / "inst" / "buckets" / "b"
    with SimulatorThread(Simulator(small_world(recordings=60, long_call_s=0), Switches(limit_per_second=0))) as sim:
        sim.faults.load([{"endpoint": "media_blob", "action": {"kind": "delay", "seconds": 0.3}}])
        prepare = [sys.executable, str(Path(__file__).with_name("prepare.py")), sim.base_url, sim.key, str(bucket)]
        company = int(subprocess.run(prepare, env={**os.environ, **environment}, check=True, capture_output=True).stdout)
        acknowledged: set[object] = set()
        with Worker(environment, outer / "logs") as worker:
            for _ in range(CUTS):
                until(partial(more_than, bucket, len(acknowledged)), "more is stored", 40, worker)
                time.sleep(rng.uniform(0.1, 1.0))
                acknowledged |= set(ask(dsn, "SELECT id FROM ledger_copy WHERE state = 'verified'"))
                owner = pg_programs.owner_of(outer / "db" / "postgres")
                stopped = pg_programs.run(
                    owner, "pg_ctl", "stop", "-m", "immediate", "-w", "-D", str(outer / "db" / "postgres"), folder=outer / "db" / "postgres"
                )
                assert stopped.code == 0, stopped.output
                server.close()
                time.sleep(rng.uniform(0.2, 1.0))
                server = postgres.ensure_running(outer / "db")
                assert acknowledged <= set(ask(dsn, "SELECT id FROM ledger_copy WHERE state = 'verified'")), f"seed {SEED}"
            sim.faults.clear()
            if worker.process.poll() is not None:
                raise AssertionError(f"the worker gave up, seed {SEED}: {worker.said[-3000:]}")
            # The supervisor restarts a worker process that a cut has ended, after a pause that doubles to 30 s if it keeps dying quickly.
            until(
                lambda: ask(dsn, "SELECT state FROM ledger_run WHERE purpose = 'backup_now'") == [("finished",)],
                "the run ends",
                180,
                worker,
            )
            worker.terminate()
        targets = [str(row[0]) for row in ask(dsn, "SELECT dialpad_id FROM org_target")]
        problems = Checker(sim.base_url, sim.key, dsn, company, targets).problems(folder_objects(bucket))
        attempts = ask(dsn, "SELECT max(attempt) FROM ledger_copy")
    server.close()
    assert problems == [], f"seed {SEED}"
    assert attempts == [(0,)]
