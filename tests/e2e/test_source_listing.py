"""Variants of a listing: late audio, calls that move, odd times, cursors, calls of two years ago (rows S4, S21, S23, S25-S32)."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rokuon.accounts.permissions import AccessReach
from rokuon.console.runs import read_model as runs
from rokuon.dialpad.paging import BARREN_PAGES
from rokuon.domain.failures import RecordingNotReady, SourceCursorLooped
from rokuon.domain.ports import TimeRange
from rokuon.ledger.models import Copy, Hold, Run
from rokuon.notify.models import Notice
from rokuon.org.models import Target
from rokuon.simulator.model import Call
from tests.checker import MARKERS
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig, small_world

DAY_MS = 86_400_000


def a_center_call(rig: Rig, started: int | None = None, *, center: int = 0, recordings: tuple[str, ...] = ("callrecording",)) -> Call:
    """Add a finished conversation of a minute, two hours ago or at `started`; its recordings are on the group leg."""
    maker, started = rig.sim.world.makers[rig.sim.company.id], rig.sim.now() - 7_200_000 if started is None else started
    legs = maker.center_call(rig.sim.company.centers[center], started, 60_000, 0)
    for leg in legs:
        leg.recordings.clear()
    for number, kind in enumerate(recordings):
        maker.add(legs[0], kind, legs[0].started + 10_000 * number, 5_000)  # type: ignore[arg-type]
    rig.sim.world.enter(rig.sim.company.id, legs)
    return legs[0]


def copies_of(call: Call) -> list[Copy]:
    ids = [str(recording.id) for recording in call.recordings]
    return list(Copy.objects.filter(recording__recording_id__in=ids).select_related("recording", "target").order_by("key"))


def test_s4_audio_that_is_not_there_yet_waits_visibly_with_growing_pauses_and_then_arrives(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=20))
    late = a_center_call(rig).recordings[0]
    rig.sim.faults.load([{"endpoint": "media*", "id": str(late.id), "action": {"kind": "status", "status": 404}}])
    rig.back_up_now()
    rig.check(finished=False)
    seen = rig.admin_sees()
    assert (seen.mood, seen.failed, list(seen.waits)) == ("waiting", {}, [RecordingNotReady.reason])
    assert seen.advises(RecordingNotReady)
    asked = []
    for minutes in (1, 5, 15, 60, 240):
        (copy,) = copies_of(late.call)
        assert copy.due_at is not None
        assert abs((copy.due_at - rig.clock()).total_seconds() / 60 - minutes) < 0.5
        asked.append(rig.sim.meter.company(rig.sim.company.id).audio_requests[late.id])
        rig.pass_time(minutes / 60 + 0.01)
    assert asked == sorted(set(asked))
    rig.sim.faults.clear()
    rig.pass_time(4.1)
    rig.check()
    assert rig.admin_sees().mood == "verified"


def test_s21_five_recordings_of_one_call_are_five_things_and_its_voicemail_is_shown_as_left_out(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=20))
    call = a_center_call(rig, recordings=("callrecording", "admincallrecording", "voicemail", "callrecording", "admincallrecording"))
    rig.back_up_now()
    rig.check()
    # A trainee's conversation also belongs to the team: each of its recordings has a copy in each folder.
    states = Counter(
        (copy.recording.kind, copy.state, copy.reason) for copy in copies_of(call) if copy.target.dialpad_id == str(call.center.id)
    )  # type: ignore[union-attr]
    assert states == {
        ("callrecording", "verified", ""): 2,
        ("admincallrecording", "verified", ""): 2,
        ("voicemail", "excluded", "kind_not_chosen"): 1,
    }
    assert "kind_not_chosen" in rig.admin_sees().sentences


def test_s23_a_list_that_is_suddenly_empty_at_a_busy_hour_is_told_within_two_hours(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=20, days=3))
    for weeks in range(1, 5):
        for number in range(24):
            a_center_call(rig, rig.sim.now() - weeks * 7 * DAY_MS + number * 600_000, recordings=())
    a_center_call(rig, rig.sim.now() - 300_000)
    rig.back_up_now(two_years=True)
    rig.check()
    assert rig.admin_sees().notices == frozenset()
    rig.sim.faults.load([{"endpoint": "calls", "action": {"kind": "body", "text": '{"items": []}'}}])
    rig.pass_time(steps=(0.2,) * 10)
    assert ("silence", "") in rig.admin_sees().notices
    assert {(occasion, times) for (occasion, _), times in rig.mailed("silence").items()} == {("opened", 1)}
    center = Target.objects.get(dialpad_id=str(rig.sim.company.centers[0].id))
    assert list(Notice.objects.filter(kind="silence").values_list("ref", "office_id")) == [(str(center.pk), center.office_id)]


@contextmanager
def calls_that_end_while_pages_are_read(rig: Rig, most: int) -> Iterator[list[int]]:
    """End a call for each page that is fetched. Yields the number of ended calls."""
    done, ended = threading.Event(), [0]

    def end() -> None:
        while not done.wait(0.005):
            if ended[0] < min(most, rig.list_pages()):
                rig.end_call()
                ended[0] += 1

    thread = threading.Thread(target=end)
    thread.start()
    yield ended
    done.set()
    thread.join()


@pytest.mark.parametrize("cursor", ["key", "offset"])
def test_s25_calls_that_end_while_pages_are_read_disturb_no_page_and_the_next_pass_has_them(rig_of: MakeRig, cursor: str) -> None:
    """With cursors that count from the newest, an insertion would shift the next pages. The window's end is fixed, so nothing is
    inserted."""
    rig = rig_of(switches={"cursor_style": cursor}, world=small_world(recordings=250, talk_s=(2, 3, 4), long_call_s=0))
    before = [it["id"] for it in rig.checker().truth()]
    rig.sim.faults.load([{"endpoint": "calls", "action": {"kind": "delay", "seconds": 0.03}}])
    with calls_that_end_while_pages_are_read(rig, 8) as ended:
        rig.back_up_now()
    assert ended[0] >= 5, "calls ended in between"
    told = rig.checker().truth()
    late = [it["id"] for it in told if it["id"] not in before]
    rig.check(unlisted=[key for key in late if not Copy.objects.filter(recording__recording_id=str(key)).exists()])
    rig.advance(minutes=1)
    rig.back_up_now()
    rig.check()
    assert rig.admin_sees().answer.startswith("All ")


def test_s26_a_list_that_never_ends_stops_after_bounded_requests_says_which_days_and_the_next_run_lists_them(
    rig_of: MakeRig, impatient: None
) -> None:
    rig = rig_of(world=small_world(recordings=25, days=18))
    rig.sim.switches.set("list_end", "turns")
    rig.sim.meter.reset()
    now = rig.sim.now()
    run = rig.back_up_now(wanted=TimeRange(now - 20 * DAY_MS, now)).run
    assert rig.list_pages() <= 3 * BARREN_PAGES, "a page, and those that bring nothing new"
    rig.pass_time(steps=(0.02, 0.1, 0.3, 1.1, 4.1))
    assert rig.list_pages() < 300, "sweeps included: each listing ends after a few pages"
    assert not Hold.objects.exists(), "one stretch of days does not stop the others"
    unlisted = runs.unlisted(Run.objects.get(pk=run.pk), AccessReach(rig.company.pk))
    assert {one.sentence for one in unlisted} == {SourceCursorLooped.advice}
    seen = rig.admin_sees()
    assert seen.unread > 0
    rig.check(finished=False)
    rig.sim.switches.set("list_end", "ends")
    rig.back_up_now()
    rig.pass_time(steps=(0.02,))
    rig.check()
    assert rig.admin_sees().mood == "verified"


def test_s27_an_unreadable_entry_is_counted_keeps_its_day_open_and_is_taken_once_it_can_be_read(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=25, days=18))
    rig.sim.faults.load([{"endpoint": "calls", "action": {"kind": "set", "changes": {"items.0.call_id": {"not": "an id"}}}}])
    now = rig.sim.now()
    progress = rig.back_up_now(wanted=TimeRange(now - 20 * DAY_MS, now))
    assert progress.malformed > 0
    reach, now = AccessReach(rig.company.pk), rig.clock()
    page = runs.load_run(rig.company, progress.run, reach, now)
    assert runs.answer(rig.company, page, reach, now).severity != "verified", "the run's page says so"
    rig.check(finished=False)
    rig.sim.faults.clear()
    rig.back_up_now()
    rig.check()


def test_s28_a_call_that_was_moved_to_another_center_keeps_its_object_and_gets_one_there(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=20))
    call = a_center_call(rig)
    rig.back_up_now()
    (before,) = [copy for copy in copies_of(call) if copy.target.kind == "callcenter"]
    written = (rig.bucket_folder() / before.key).stat().st_mtime_ns
    other = rig.sim.company.centers[1]
    for leg in call.conversation:
        leg.center = other
        leg.target = other if leg.leg == "group" else leg.target
    rig.back_up_now(relist=True)
    after = {copy.target.dialpad_id: copy for copy in copies_of(call) if copy.target.kind == "callcenter"}
    assert {state.state for state in after.values()} == {"verified"}
    assert (after[before.target.dialpad_id].key, (rig.bucket_folder() / before.key).stat().st_mtime_ns) == (before.key, written)
    assert str(other.id) in after
    keys = [row.key for row in rig.checker().rows() if row.state == "verified"]
    assert sorted(keys) == sorted(set(rig.objects()) - MARKERS)
    assert len({copy.key.split("/")[1] for copy in after.values()}) == len(after) == 2
    assert rig.admin_sees().mood == "verified"


def test_s29_a_recording_of_a_center_and_a_team_is_in_both_folders_and_counted_as_two_copies(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=80))
    rig.back_up_now()
    rig.check()
    rows = [row for row in rig.checker().rows() if row.state == "verified"]
    twice = [key for key, count in Counter((row.kind, row.recording) for row in rows).items() if count > 1]
    assert twice
    for key in twice:
        mine = [row for row in rows if (row.kind, row.recording) == key]
        assert len({row.target for row in mine}) == len({row.key.split("/")[1] for row in mine}) == len(mine)
        assert len({row.sha256 for row in mine}) == 1
    assert rig.admin_sees().answer == f"All {len(rows)} recordings are in your bucket"


@pytest.mark.parametrize("minutes", [10, -10])
def test_s30_a_clock_that_is_ten_minutes_off_loses_nothing(rig_of: MakeRig, minutes: int) -> None:
    rig = rig_of(world=small_world(recordings=20))
    rig._ahead += timedelta(minutes=minutes)
    rig.end_call()
    rig.back_up_now()
    rig.check(finished=False)
    rig.advance(minutes=15)
    rig.back_up_now()
    rig.check()
    assert rig.admin_sees().mood == "verified"


ODD = {"zero": 0, "seconds instead of milliseconds": 1_790_000_000, "the year 2099": 4_070_908_800_000}


@pytest.mark.parametrize("name", ODD)
def test_s30_a_start_that_cannot_be_true_is_stored_under_the_day_on_which_the_call_ended(rig_of: MakeRig, name: str) -> None:
    rig = rig_of(world=small_world(recordings=20), switches={"cursor_style": "offset"})
    call = a_center_call(rig)
    (odd,) = call.recordings
    true = call.started
    call.started = ODD[name]
    rig.back_up_now()
    call.started = true
    copies = copies_of(call)
    assert {copy.state for copy in copies} == {"verified"}
    zone = ZoneInfo(call.center.office.timezone)  # type: ignore[union-attr]
    day = datetime.fromtimestamp(call.ended / 1000, UTC).astimezone(zone).date()
    (of_center,) = [copy for copy in copies if copy.target.kind == "callcenter"]
    assert of_center.key.split("/")[2] == day.isoformat()
    assert str(odd.id) in of_center.key
    assert rig.admin_sees().mood == "verified"


def test_s31_s32_two_years_before_29_february_begin_at_local_midnight_of_the_28th_inclusive(rig_of: MakeRig) -> None:
    now = datetime(2028, 2, 29, 12, tzinfo=UTC)
    rig = rig_of(world=small_world(recordings=20, now_ms=int(now.timestamp() * 1000)))
    rig._ahead = now - datetime.now(UTC)
    zone = ZoneInfo(rig.sim.company.centers[0].office.timezone)
    midnight = int(datetime(2026, 2, 28, tzinfo=zone).timestamp() * 1000)
    first, too_old = a_center_call(rig, midnight), a_center_call(rig, midnight - 86_400_000)
    rig.back_up_now(two_years=True)
    (of_center,) = [copy for copy in copies_of(first) if copy.target.kind == "callcenter"]
    assert (of_center.state, of_center.key.split("/")[2]) == ("verified", "2026-02-28")
    assert copies_of(too_old) == []
    rig.check(unlisted=[recording.id for recording in too_old.recordings])
    rig.back_up_now(wanted=TimeRange(too_old.started, too_old.started + 1000))
    rig.check()
    assert rig.admin_sees().mood == "verified"
