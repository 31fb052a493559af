"""`kill -9` at each step of an issue of custody files: the next try makes one chain that the verifier proves."""

import signal
from pathlib import Path

from rokuon.custody.models import Intent, Issue, SealChain, SigningKey, Waiting
from rokuon.domain.crashpoints import SEALING
from rokuon.org.models import Bucket
from tests.crash.processes import Worker
from tests.custody.rig import PROVEN
from tests.custody.shipped import prove
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import small_world

ONCE = str(Path(__file__).with_name("seal_once.py"))


def test_a_kill_at_each_step_leaves_one_chain_that_the_verifier_proves(rig_of: MakeRig, outer: Path) -> None:
    rig = rig_of(world=small_world(recordings=12))
    rig.back_up_now()
    bucket = Bucket.objects.get()
    numbers = []
    for point in SEALING:
        with Worker(rig.environment, outer / "logs", f"{point}:1", command=(ONCE, str(bucket.pk))) as worker:
            assert worker.dies() == -signal.SIGKILL, worker.said
        numbers.append(Issue.objects.count())
    assert numbers == [0, 0, 0, 2], "only a seal that is in the bucket is entered, by the next try at the latest"
    rig.run_async(lambda engine: engine.custody(bucket.pk))
    assert [one.number for one in Issue.objects.order_by("number")] == [1, 2, 3]
    assert (SealChain.objects.count(), SigningKey.objects.count(), Intent.objects.count(), Waiting.objects.count()) == (1, 1, 0, 0)
    assert Issue.objects.get(number=3).totals["verified"] == rig.states()["verified"]
    code, said = prove(rig.bucket_folder(), SigningKey.objects.get().public)
    assert code == PROVEN, said
    rig.check()
