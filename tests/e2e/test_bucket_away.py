"""A bucket that is unavailable for hours or days: one hold, one notice, nothing is fetched for it, and it catches up automatically
(D24)."""

import socket

import pytest

from rokuon.domain.failures import BucketAway
from rokuon.ledger.models import Copy, Hold
from rokuon.org.models import Bucket
from rokuon.stores import folder
from tests.e2e.conftest import MakeRig
from tests.e2e.gcs import GcsThread
from tests.e2e.rig import Rig, small_world
from tests.e2e.test_faults import gcs_rig
from tests.simulators.gcs import Fault, Op

FOR_EVER = 10**9
MINUTE_H = 1 / 60


def outage(gcs: GcsThread, *ops: Op) -> None:
    gcs.double.fail(*[Fault(op, status=503, times=FOR_EVER) for op in ops])


def over(gcs: GcsThread) -> None:
    gcs.double.faults.waiting.clear()


def tries(rig: Rig) -> int:
    return sum(Copy.objects.filter(company=rig.company).values_list("tries", flat=True))


def test_d24_a_bucket_that_is_away_for_two_days_costs_no_try_and_no_download(rig_of: MakeRig, impatient: None) -> None:
    with GcsThread() as gcs:
        rig = gcs_rig(rig_of, gcs, world=small_world(recordings=30))
        rig.start()
        outage(gcs, Op.UPLOAD, Op.START, Op.STAT, Op.LIST, Op.MEDIA)
        rig.drain()
        (hold,) = Hold.objects.all()
        assert (hold.on, hold.reason) == ("bucket", "bucket_away")
        spent, fetched = tries(rig), rig.audio_requests()
        for _ in range(30):
            rig.pass_time(MINUTE_H)
        assert len([entry for entry in gcs.double.log if entry.op is Op.STAT]) <= 10 * 6 * 3, (
            "asked every five minutes, three times within seconds"
        )
        rig.pass_time(steps=(1, 4, 12, 24, 12))
        assert (tries(rig), rig.audio_requests()) == (spent, fetched)
        assert Hold.objects.count() == 1
        assert rig.states().keys() <= {"pending", "excluded"}
        seen = rig.admin_sees()
        assert seen.strip == {"bucket_away": BucketAway.advice}
        assert {times for (occasion, _), times in rig.mailed("hold").items() if occasion == "opened"} == {1}, "one notice"
        over(gcs)
        for _ in range(7):
            rig.pass_time(MINUTE_H)
        rig.check()
        assert Hold.objects.filter(lifted_at=None).count() == 0


def test_d24_where_only_writes_fail_a_probe_fetches_a_little_and_spends_nothing(rig_of: MakeRig, impatient: None) -> None:
    with GcsThread() as gcs:
        rig = gcs_rig(rig_of, gcs, world=small_world(recordings=30))
        rig.start()
        outage(gcs, Op.UPLOAD, Op.START)
        rig.drain()
        assert [hold.reason for hold in Hold.objects.all()] == ["bucket_away"]
        spent, fetched = tries(rig), rig.audio_requests()
        rig.pass_time(steps=(1, 1, 1, 1))
        assert tries(rig) == spent
        per_probe = (rig.audio_requests() - fetched) / 4
        assert per_probe <= 3 * 2, "three recordings, each a redirect and a body"
        over(gcs)
        rig.pass_time(0.1)
        rig.check()


@pytest.mark.parametrize("how", ["refused", "unknown host"])
def test_d24_an_address_that_does_not_answer_is_an_outage_too(rig_of: MakeRig, impatient: None, how: str) -> None:
    with GcsThread() as gcs:
        rig = gcs_rig(rig_of, gcs, world=small_world(recordings=15))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        nowhere = f"http://127.0.0.1:{port}" if how == "refused" else "http://no-such-host.invalid"
        key = gcs.key.replace(gcs.double.url, nowhere)
        rig.reconfigure(ROKUON_STORAGE_EMULATOR_HOST=nowhere)
        sealed = Bucket.objects.get(url=gcs.url)
        working = sealed.credential
        rig_seal(rig, sealed, key)
        rig.back_up_now()
        assert [hold.reason for hold in Hold.objects.all()] == ["bucket_away"]
        assert rig.audio_requests() == 0, "a bucket that cannot be opened costs no download"
        Bucket.objects.filter(pk=sealed.pk).update(credential=working)
        rig.reconfigure(ROKUON_STORAGE_EMULATOR_HOST=gcs.double.url)
        rig.pass_time(0.1)
        rig.check()


def rig_seal(rig: Rig, bucket: Bucket, key: str) -> None:
    bucket.credential = rig.installation.vault.seal(key, owner=f"bucket:{bucket.pk}", field="credential")
    bucket.save(update_fields=["credential"])


def test_d24_a_folder_on_a_disk_that_reports_errors_is_asked_every_five_minutes(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """EIO causes a hold at once; its probe is as cheap as that of an outage."""
    rig = rig_of(world=small_world(recordings=15))

    def broken(fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(folder, "sync", broken)
        rig.back_up_now()
        (hold,) = Hold.objects.all()
        assert (hold.reason, hold.detail) == ("bucket_unusable", "EIO")
        for _ in range(20):
            rig.pass_time(MINUTE_H)
        hold.refresh_from_db()
        assert hold.probes >= 4
        assert tries(rig) == 0
    for _ in range(6):
        rig.pass_time(MINUTE_H)
    rig.check()
