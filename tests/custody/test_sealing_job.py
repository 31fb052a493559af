"""A custody job that fails: only a ledger that is behind stops recordings; any other fault is kept with the time of the next try."""

import shutil

import pytest

from rokuon.custody import schedule
from rokuon.custody.models import Issue, Schedule, SealChain
from rokuon.domain.failures import BucketForbidden, BucketUnusable, StoreError, StoreUnavailable
from rokuon.ledger.models import Hold
from rokuon.org.models import Bucket
from rokuon.wiring.connections import Connections
from rokuon.wiring.job_handlers import JobHandlers
from tests.custody.backed_up import backed_up, seal
from tests.custody.stores import UnreadableStore
from tests.e2e.conftest import MakeRig, rig_of
from tests.e2e.rig import Rig

__all__ = ["rig_of"]


@pytest.fixture
def rig(rig_of: MakeRig) -> Rig:
    return backed_up(rig_of)


def unplug(rig: Rig) -> None:
    shutil.move(rig.bucket_folder(), rig.bucket_folder().with_name("elsewhere"))


def test_a_bucket_that_is_away_when_it_is_sealed_is_not_held_and_is_tried_again(rig: Rig) -> None:
    unplug(rig)
    seal(rig)
    assert not Hold.objects.exists()
    failed = Schedule.objects.get()
    assert (bool(failed.reason), failed.tries, failed.due_at > rig.clock()) == (True, 1, True)
    assert not SealChain.objects.exists()
    shutil.move(rig.bucket_folder().with_name("elsewhere"), rig.bucket_folder())
    seal(rig)
    assert (Issue.objects.count(), Schedule.objects.get().reason) == (1, "")


def test_a_custody_folder_that_may_not_be_written_does_not_stop_recordings(rig: Rig) -> None:
    (rig.bucket_folder() / "call-recordings" / ".rokuon-custody").write_bytes(b"a file where a folder has to be")
    seal(rig)
    assert Schedule.objects.get().reason
    assert not Hold.objects.exists()
    before = rig.states()["verified"]
    rig.end_call()
    rig.back_up_now()
    assert rig.states()["verified"] > before


@pytest.mark.parametrize(("error", "opens"), [(BucketForbidden, True), (BucketUnusable, True), (StoreUnavailable, False)])
def test_custody_files_that_may_not_be_read_stop_no_recordings(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, error: type[StoreError], opens: bool
) -> None:
    """As after a seal was made by root. A store that does not answer is asked again instead."""
    seal(rig)
    real, bucket = Connections.open_store, Bucket.objects.get()

    def unreadable(connections: Connections, bucket_id: int, url: str, credential: str) -> UnreadableStore:
        return UnreadableStore(real(connections, bucket_id, url, credential), ".rokuon-custody", error)

    async def open_it(engine: JobHandlers) -> None:
        if opens:
            assert await engine.connections.store(bucket.pk)
        else:
            with pytest.raises(error):
                await engine.connections.store(bucket.pk)

    monkeypatch.setattr(Connections, "open_store", unreadable)
    rig.run_async(open_it)
    seal(rig)
    assert Schedule.objects.get().reason == error.reason
    assert not Hold.objects.exists()


def test_a_ledger_that_is_behind_is_held_by_the_custody_job(rig: Rig) -> None:
    seal(rig)
    SealChain.objects.all().delete()
    seal(rig)
    assert Hold.objects.get(lifted_at=None).reason == "ledger_behind_bucket"


def test_a_fault_of_our_own_is_tried_again_later_and_not_at_each_tick(rig: Rig) -> None:
    seal(rig)
    SealChain.objects.update(installation="another", revisions=2**31 - 1)  # the next chain's first revision exceeds the column
    seal(rig)
    failed = Schedule.objects.get()
    assert (failed.reason, failed.tries) == ("internal_fault", 1)
    assert Bucket.objects.get().pk not in schedule.due_buckets(rig.clock())
    assert not Hold.objects.exists()
