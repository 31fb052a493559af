"""A small company does not wait for a large one (real worker process, one of them)."""

from pathlib import Path

from rokuon.ledger.models import Copy, Run
from tests.crash.processes import Worker, until
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import small_world


def test_a_small_company_that_starts_later_is_done_long_before_a_large_one(rig_of: MakeRig, outer: Path) -> None:
    rig = rig_of(world=small_world(companies=2, recordings=60, days=150, long_call_s=0), ROKUON_TRANSFERS="2")
    large, small = rig.companies
    rig.sim.faults.load(
        [{"endpoint": "media_blob", "company": next(iter(rig.sim.world.companies)), "action": {"kind": "delay", "seconds": 1.0}}]
    )
    rig.start(large)
    with Worker(rig.environment, outer / "logs") as worker:
        until(lambda: Copy.objects.filter(company=large, state="verified").exists(), "the large one has begun", 30, worker)
        rig.start(small)
        took = until(lambda: not Run.objects.filter(company=small, state="running").exists(), "the small one is done", 60, worker)
        assert Run.objects.get(company=large, purpose="backup_now").state == "running", f"the small company took {took:.1f} s"
        rig.check_without_spool(1)
        worker.terminate()
    rig.check_without_spool(0, finished=False)
