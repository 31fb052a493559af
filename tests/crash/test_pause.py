"""Pause and resume with a real worker: the requests stop within seconds, and the resumed run finishes completely (M11)."""

import time
from datetime import timedelta
from pathlib import Path

from rokuon.domain.recording import ScopeKind
from rokuon.jobs import queue
from rokuon.ledger import read, runs
from rokuon.ledger.models import Coverage, Run
from rokuon.wiring import backup_now
from rokuon.wiring.sweeps import SWEEPS
from tests.crash.processes import Worker, until
from tests.crash.test_kills import finished, slow_world, some_audio
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig

STOPS_WITHIN_S = 3.0
QUIET_S = 2.0


def nothing_is_asked(rig: Rig) -> bool:
    """Whether there is no request for longer than two ticks of the worker under test: it finds no work, and no retries."""
    before = rig.audio_requests(), rig.list_pages()
    time.sleep(QUIET_S)
    return (rig.audio_requests(), rig.list_pages()) == before


def no_sweep_is_due(rig: Rig) -> None:
    """Mark every sweep as just done. Sweeps over listed days continue while a run is paused, because they are separate work."""
    now = rig.clock()
    for sweep in SWEEPS:
        Run.objects.create(
            company=rig.company, purpose=sweep.purpose, scope_kind="company", targets=[], since=now - timedelta(minutes=1), until=now,
            state="finished", created_at=now, finished_at=now,
        )  # fmt: skip


def test_a_paused_run_asks_for_nothing_whoever_works_or_dies_and_resumed_it_ends_whole(rig_of: MakeRig, outer: Path) -> None:
    rig = slow_world(rig_of, 60, 0.5, ROKUON_TRANSFERS="3")
    run = rig.start()
    with Worker(rig.environment, outer / "logs") as first:
        until(lambda: some_audio(rig), "some recordings are stored", 30, first)
        assert runs.pause(run, rig.clock())
        time.sleep(STOPS_WITHIN_S)
        assert nothing_is_asked(rig)
        assert read.counts_by_target(rig.company.pk), "copies wait"
        assert read.queued_windows() == []
        first.kill()
    rig.check_without_spool(finished=False)
    with Worker(rig.environment, outer / "logs") as second:
        time.sleep(STOPS_WITHIN_S)
        assert nothing_is_asked(rig)
        assert Run.objects.get(pk=run).state == "paused"
        rig.sim.faults.clear()
        joined = backup_now.start(rig.company.pk, ScopeKind.COMPANY, 0, None, rig.clock(), queue)
        assert joined == backup_now.Started(run, joined=True, resumed=True)
        until(finished, "the run ends", 30, second)
        second.terminate()
    rig.check()
    assert max(rig.attempts()) == 0, "a pause spends no attempt"


def test_retries_of_a_paused_run_stop_too_and_go_on_with_it(rig_of: MakeRig, outer: Path) -> None:
    """Every day is sealed, so no window finds the failed copies: the company's own job has to notice the pause while it works."""
    rig = slow_world(rig_of, 40, 0, ROKUON_TRANSFERS="2")
    rig.sim.faults.load([{"endpoint": "media_blob", "action": {"kind": "zeros"}}])
    rig.back_up_now()
    Coverage.objects.update(sealed=True)
    no_sweep_is_due(rig)
    rig.sim.faults.load([{"endpoint": "media_blob", "action": {"kind": "delay", "seconds": 0.5}}])
    run = rig.start()
    with Worker(rig.environment, outer / "logs") as worker:
        until(lambda: some_audio(rig), "some recordings are stored", 30, worker)
        assert runs.pause(run, rig.clock())
        time.sleep(STOPS_WITHIN_S)
        assert nothing_is_asked(rig)
        assert rig.states()["pending"] > 5
        rig.sim.faults.clear()
        assert backup_now.resume(Run.objects.get(pk=run), rig.clock(), queue)
        until(finished, "the run ends", 30, worker)
        worker.terminate()
    rig.check()


def test_a_pause_and_a_resume_within_a_moment_lose_nothing(rig_of: MakeRig, outer: Path) -> None:
    rig = slow_world(rig_of, 40, 0.1, ROKUON_TRANSFERS="3")
    run = rig.start()
    with Worker(rig.environment, outer / "logs") as worker:
        until(lambda: some_audio(rig, 1), "the work has begun", 30, worker)
        for _ in range(6):
            runs.pause(run, rig.clock())
            time.sleep(0.2)
            backup_now.resume(Run.objects.get(pk=run), rig.clock(), queue)
            time.sleep(0.3)
        until(finished, "the run ends", 30, worker)
        worker.terminate()
    rig.check()
