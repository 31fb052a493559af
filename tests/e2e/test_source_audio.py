"""Audio that stalls, arrives very slowly or is very large (rows S13, S14, S20), or is not MP3 (row S19)."""

import base64
import io
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rokuon.dialpad.limits import ClientLimits
from rokuon.domain.failures import RecordingNotAudio, RecordingTooLarge, RecordingTooSlow
from rokuon.ledger.models import Copy
from rokuon.simulator.model import Recording
from rokuon.wiring import connections
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig, small_world

GIB = 1 << 30


def a_victim(rig: Rig) -> str:
    return str(next(it["id"] for it in rig.checker().truth() if it["kind"] == "callrecording" and it["center_id"]))


SLOW: dict[str, dict[str, Any]] = {
    "S13 silent after the half": {"kind": "truncate", "hang": 1},
    "S13 silent from the start": {"kind": "stall", "seconds": 1},
    "S14 a drip that never stops": {"kind": "drip", "rate": 200},
}


@pytest.mark.parametrize("name", SLOW)
def test_s13_s14_a_download_that_hardly_moves_is_ended_and_waits_visibly_while_the_others_arrive(
    rig_of: MakeRig, impatient: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    quick = partial(ClientLimits, answer=0.5, silence=0.3, slow_window=0.3, slowest=1 << 20, total=2)
    monkeypatch.setattr(connections, "DialpadLimits", quick)
    rig = rig_of(world=small_world(recordings=20))
    victim = a_victim(rig)
    rig.sim.faults.load([{"endpoint": "media_blob", "id": victim, "action": SLOW[name]}])
    rig.back_up_now()
    rig.check(finished=False)
    seen = rig.admin_sees()
    reason = "source_unavailable" if "start" in name else RecordingTooSlow.reason
    assert (seen.mood, seen.failed, list(seen.waits)) == ("waiting", {}, [reason])
    assert {row.recording for row in rig.checker().rows() if row.state == "pending"} == {victim}
    rig.sim.faults.clear()
    rig.pass_time(steps=(0.02,))
    rig.check()
    assert rig.admin_sees().mood == "verified"


def test_s20_what_is_announced_with_ten_gigabytes_is_refused_before_its_body_and_says_what_to_do(rig_of: MakeRig, impatient: None) -> None:
    rig = rig_of(world=small_world(recordings=20))
    victim = a_victim(rig)
    rig.sim.faults.load([{"endpoint": "media_blob", "id": victim, "action": {"kind": "declare", "length": 10 * GIB}}])
    rig.back_up_now()
    rig.check(excused={int(victim): {"failed"}})
    seen = rig.admin_sees()
    assert seen.failed.keys() == {RecordingTooLarge.reason}
    assert seen.advises(RecordingTooLarge)
    (asked,) = [count for key, count in rig.sim.meter.company(rig.sim.company.id).audio_requests.items() if str(key) == victim]
    assert asked == len([row for row in rig.checker().rows() if row.recording == victim]), "asked for once a copy"


def a_wav(seconds: int) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(range(256)) * (16_000 * seconds // 256))
    return made.getvalue()


def test_s19_a_wav_is_not_stored_under_a_name_that_says_mp3_and_is_called_what_it_is(rig_of: MakeRig, impatient: None) -> None:
    rig = rig_of(world=small_world(recordings=20))
    victim = a_victim(rig)
    body = base64.b64encode(a_wav(5)).decode()
    action = {"kind": "body", "base64": body, "content_type": "audio/x-wav"}
    rig.sim.faults.load([{"endpoint": "media_blob", "id": victim, "action": action}])
    rig.back_up_now()
    rig.check(finished=False)
    assert rig.admin_sees().waits.keys() == {RecordingNotAudio.reason}
    rig.pass_time(steps=(0.02, 0.1, 0.3, 1.1, 4.1, 12.1, 24.1))
    rig.check(excused={int(victim): {"failed"}})
    seen = rig.admin_sees()
    assert seen.failed.keys() == {RecordingNotAudio.reason}
    assert seen.advises(RecordingNotAudio)
    assert set(Copy.objects.filter(state="failed").values_list("detail", flat=True)) == {"WAV"}


@contextmanager
def peak_of_own_memory() -> Iterator[dict[str, int]]:
    """Measure the peak of this process's private memory, in bytes; the kernel may drop pages of files."""

    def own() -> int:
        (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon:")]
        return int(line.split()[1]) * 1024

    peak, done = {"before": own(), "most": 0}, threading.Event()

    def watch() -> None:
        while not done.wait(0.05):
            peak["most"] = max(peak["most"], own())

    thread = threading.Thread(target=watch)
    thread.start()
    yield peak
    done.set()
    thread.join()


@pytest.mark.slow
def test_s20_three_gigabytes_pass_through_the_spool_with_flat_memory(rig_of: MakeRig) -> None:
    """The simulated Dialpad is in the same process, so its memory counts too."""
    rig = rig_of(world=small_world(recordings=20), ROKUON_MAX_RECORDING_BYTES=str(4 * GIB))
    rig.back_up_now()
    large = made_longer(rig, 3 * GIB)
    with peak_of_own_memory() as memory:
        rig.back_up_now(relist=True)
    (row,) = [row for row in rig.checker().rows() if row.recording == str(large.id) and row.state == "verified"]
    assert row.size is not None and row.size > 3 * GIB - 4096
    assert (rig.bucket_folder() / row.key).stat().st_size == row.size
    assert memory["most"] - memory["before"] < 150 << 20
    assert [path.name for path in rig.config.spool_dir.iterdir()] == []
    assert rig.admin_sees().mood == "verified"


def made_longer(rig: Rig, size: int) -> Recording:
    """Add a recording of a call of 19 days, with 2,000 bytes a second."""
    maker, talk_ms = rig.sim.world.makers[rig.sim.company.id], size // 2
    legs = maker.center_call(rig.sim.company.centers[0], rig.sim.now() - talk_ms - 3_600_000, talk_ms, 0)
    for leg in legs:
        leg.recordings.clear()
    made = maker.add(legs[0], "callrecording", legs[0].started, talk_ms)
    made.kbps = 16
    rig.sim.world.enter(rig.sim.company.id, legs)
    return made
