"""A bucket that was replaced or emptied on purpose: its seals begin again, and what is in it now is proven."""

import shutil
from pathlib import Path

import pytest

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions.bucket_restart import Restarted, restart_bucket
from rokuon.custody.models import SealChain, SigningKey
from rokuon.jobs import queue
from rokuon.org.models import Bucket
from tests.custody.backed_up import backed_up, seal
from tests.custody.rig import PROVEN
from tests.custody.shipped import prove
from tests.e2e.conftest import MakeRig, rig_of
from tests.e2e.rig import Rig

__all__ = ["rig_of"]


@pytest.fixture
def rig(rig_of: MakeRig) -> Rig:
    """A bucket with two seals."""
    rig = backed_up(rig_of)
    seal(rig)
    seal(rig)
    return rig


def restart(rig: Rig) -> Restarted:
    bucket = Bucket.objects.select_related("company").get()
    done = restart_bucket(rig.installation, bucket, queue, COMMAND_LINE, rig.clock(), "emptied")
    assert done.verification.ok
    return done


def proven(rig: Rig) -> tuple[int, str]:
    return prove(rig.bucket_folder(), SigningKey.objects.get().public, "--now", f"{rig.clock():%Y-%m-%dT%H:%M:%SZ}")


def empty(folder: Path) -> None:
    for one in folder.iterdir():
        shutil.rmtree(one)


def test_an_emptied_bucket_begins_its_seals_again(rig: Rig) -> None:
    empty(rig.bucket_folder())
    assert restart(rig).missing > 0
    assert SealChain.objects.get(closed_at=None).continues is None
    seal(rig)
    code, said = proven(rig)
    assert code == PROVEN, said
    rig.pass_time()
    seal(rig)
    code, said = proven(rig)
    assert code == PROVEN, said


def test_a_bucket_that_lost_its_last_seal_continues_the_one_that_is_left(rig: Rig) -> None:
    old = SealChain.objects.get()
    shutil.rmtree(rig.bucket_folder() / "call-recordings" / ".rokuon-custody" / old.name / "00000002")
    restart(rig)
    assert SealChain.objects.get(closed_at=None).continues["issue"] == 1
    rig.back_up_now(two_years=True)
    seal(rig)
    code, said = proven(rig)
    assert code == PROVEN, said


def test_a_bucket_that_has_all_its_seals_keeps_its_chain(rig: Rig) -> None:
    restart(rig)
    assert SealChain.objects.count() == 1
    seal(rig)
    assert proven(rig)[0] == PROVEN
