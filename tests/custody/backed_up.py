"""A whole installation whose bucket is backed up, and an issue of its custody files as a worker's job makes it."""

from rokuon.org.models import Bucket
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig, small_world


def backed_up(rig_of: MakeRig) -> Rig:
    """An installation with one bucket, verified and with a few recordings, and no seal yet."""
    rig = rig_of(world=small_world(recordings=8))
    rig.back_up_now()
    Bucket.objects.update(verified_at=rig.clock())
    return rig


def seal(rig: Rig) -> None:
    bucket = Bucket.objects.get()
    rig.run_async(lambda engine: engine.custody(bucket.pk))
