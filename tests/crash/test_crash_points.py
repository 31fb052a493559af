"""`kill -9` at each named point of a real worker process, with a folder and the GCS double: a restart gives the same result (E1-E9)."""

import signal
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from rokuon.domain.crashpoints import COPYING
from rokuon.ledger.models import Run
from tests.crash.processes import Worker, until
from tests.e2e.conftest import MakeRig
from tests.e2e.gcs import GcsThread
from tests.e2e.rig import Rig, small_world

COUNTS = {"placed": 1, "fetched": 6, "proven": 6, "stored": 6, "verified": 6, "recorded": 1}


def half_of_them(first: int) -> list[ParameterSet]:
    """All points; in `make test` every other one, so that each point is met in one of the two stores."""
    return [pytest.param(point, marks=[] if number % 2 == first else [pytest.mark.slow]) for number, point in enumerate(COPYING)]


def finished() -> bool:
    return not Run.objects.filter(state="running").exists()


def crash_and_restart(rig: Rig, outer: Path, point: str, count: int) -> None:
    rig.start()
    with Worker(rig.environment, outer / "logs", f"{point}:{count}") as worker:
        assert worker.dies() == -signal.SIGKILL, worker.said
    rig.check_without_spool(finished=False)
    with Worker(rig.environment, outer / "logs") as worker:
        until(finished, "the run ends after a restart", 40, worker)
        assert worker.terminate() < 25
        assert worker.process.returncode == 0, worker.said
    rig.check()
    assert max(rig.attempts()) == 0, "a crash spends no attempt"


@pytest.mark.parametrize("point", half_of_them(0))
def test_a_crash_at_this_point_changes_nothing_about_the_end_in_a_folder(rig_of: MakeRig, outer: Path, point: str) -> None:
    rig = rig_of(world=small_world(recordings=25))
    crash_and_restart(rig, outer, point, COUNTS[point])


@pytest.mark.parametrize("point", half_of_them(1))
def test_a_crash_at_this_point_changes_nothing_about_the_end_in_gcs(rig_of: MakeRig, outer: Path, point: str) -> None:
    with GcsThread() as gcs:
        rig = rig_of(world=small_world(recordings=25), ROKUON_STORAGE_EMULATOR_HOST=gcs.double.url)
        rig.use_bucket(gcs.url, gcs.key)
        rig.objects = lambda number=0: gcs.objects()  # type: ignore[method-assign, misc]
        crash_and_restart(rig, outer, point, COUNTS[point])
        assert gcs.double.bucket.overwrites == 0
