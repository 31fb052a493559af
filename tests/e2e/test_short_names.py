"""A bucket whose disk accepts only short names: no recording fails because of it, and verifying the bucket is the only action needed."""

import pytest

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import buckets
from rokuon.domain.placement import SEGMENT_BYTES, folder_key
from rokuon.jobs import queue
from rokuon.ledger.models import Copy, Hold
from rokuon.org.models import Bucket, Target
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig
from tests.stores.test_disks import limit_names


def with_long_folders(rig: Rig) -> None:
    for target in Target.objects.filter(company=rig.company):
        target.folder = f"{'東' * 55} {target.pk}"
        target.folder_key = folder_key(target.folder)
        target.save()


def test_a_disk_that_took_longer_names_before_is_held_until_it_is_verified(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of()
    with_long_folders(rig)
    limit_names(monkeypatch, 143)
    rig.back_up_now()
    assert set(rig.states()) <= {"pending", "excluded"}
    assert [hold.reason for hold in Hold.objects.filter(lifted_at=None)] == ["folder_names_too_short"]

    bucket = Bucket.objects.select_related("company").get(company=rig.company)
    assert bucket.longest_name == SEGMENT_BYTES
    found = buckets.verify_bucket(rig.installation, bucket, queue, COMMAND_LINE, rig.clock(), patience=0)
    assert (found.ok, found.longest_name) == (True, 143)
    rig.back_up_now()
    assert set(rig.states()) <= {"verified", "excluded"}
    assert rig.states()["verified"] >= 5
    stored = set(Copy.objects.filter(state="verified").values_list("key", flat=True))
    assert all(len(name.encode()) <= 143 for key in stored for name in key.split("/"))
    assert stored <= set(rig.objects())
    assert len({key.split("/")[1] for key in stored}) == Copy.objects.filter(state="verified").values("target").distinct().count()


def test_a_disk_of_short_names_that_was_verified_gets_short_names_from_the_first(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of()
    with_long_folders(rig)
    limit_names(monkeypatch, 143)
    bucket = Bucket.objects.select_related("company").get(company=rig.company)
    assert buckets.verify_bucket(rig.installation, bucket, queue, COMMAND_LINE, rig.clock(), patience=0).ok
    rig.back_up_now()
    assert set(rig.states()) <= {"verified", "excluded"}
    assert not Hold.objects.exists()
