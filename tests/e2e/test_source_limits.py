"""Dialpad asks to slow down, or has an outage: the whole company waits, nothing fails, and it catches up (rows S6, S7, S8)."""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from rokuon.dialpad.pacing import SlotPacer
from rokuon.domain.classify import PATIENCE_MS
from rokuon.domain.failures import SourceAway, SourceUnavailable
from rokuon.domain.ports import TimeRange
from rokuon.ledger import read
from rokuon.ledger.models import Copy, Hold
from rokuon.org.models import Company
from rokuon.wiring import connections
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig, small_world

MINUTE_H = 1 / 60


def arrivals(rig: Rig) -> list[float]:
    return sorted(entry.at for entry in rig.sim.meter.log if not entry.path.startswith("/_simulator"))


def most_in_a_second(times: Sequence[float]) -> int:
    return max(sum(start <= at < start + 1 for at in times) for start in times)


def test_s6_a_named_wait_stops_every_process_of_the_company_for_its_time(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=60, days=100))
    Company.objects.update(requests_per_second=60)
    rig.sim.faults.load([{"endpoint": "media", "nth": 6, "action": {"kind": "status", "status": 429, "headers": {"Retry-After": "2"}}}])
    rig.start()
    rig.drain(engines=2)
    told_at = next(entry.at for entry in rig.sim.meter.log if entry.status == 429)
    # Requests in flight when the answer came still arrive; a slot that the other process had reserved is a sixth of a second ahead.
    assert [at - told_at for at in arrivals(rig) if told_at + 0.6 < at < told_at + 1.95] == []
    rig.check()
    assert rig.admin_sees().mood == "verified"


WAITS = {"2": (2, 2), "0": (1, 1), "-1": (1, 1), "1000000000": (86_400, 86_400), "soon": (60, 60), "11.5": (11.5, 11.5), "": (60, 60)}


def test_s6_what_a_header_says_is_kept_between_a_second_and_a_day_and_spends_no_try(
    rig_of: MakeRig, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []

    class Pacer(SlotPacer):
        async def slow_down(self, seconds: float, asked: float | None = None) -> None:
            told.append(seconds)
            await super().slow_down(0.02, asked)

    monkeypatch.setattr(connections, "SlotPacer", Pacer)
    rig = rig_of()
    date = format_datetime(datetime.now().astimezone() + timedelta(seconds=30), usegmt=False)
    headers = [*WAITS, date]
    rig.sim.faults.load(
        [
            {"endpoint": "media", "nth": 2, "action": {"kind": "status", "status": 429, "headers": {"Retry-After": header}}}
            for header in headers
        ]
    )
    rig.back_up_now()
    bounds = sorted([*WAITS.values(), (20, 31)])
    assert len(told) == len(bounds)
    assert all(low <= wait <= high for wait, (low, high) in zip(sorted(told), bounds, strict=True)), sorted(told)
    seen = rig.admin_sees()
    assert (seen.failed, seen.held, set(seen.waits)) == ({}, {}, {"source_throttled"}), "the long waits are given back to the ledger"
    rig.pass_time(steps=(0.02, 0.3, 24))
    rig.check()
    assert not Copy.objects.filter(tries__gt=0).exists()


@pytest.mark.slow
def test_s7_four_workers_at_their_limit_never_send_more_than_twenty_in_any_second_and_ask_for_no_single_call(rig_of: MakeRig) -> None:
    rig = rig_of(switches={"limit_per_second": 20, "media_counts": "all"}, world=small_world(recordings=24, days=100))
    Company.objects.update(requests_per_second=15, media_charge="each")
    time.sleep(1)
    rig.sim.meter.reset()
    rig.sim.faults.load([{"endpoint": "media", "nth": 4, "action": {"kind": "status", "status": 429}}])
    rig.start()
    rig.drain(engines=4)
    meter = rig.sim.meter.company(rig.sim.company.id)
    assert meter.statuses[429] == 1, "the one that the test made"
    assert most_in_a_second(arrivals(rig)) <= 20
    assert meter.requests["call"] == 0
    rig.check()


def an_outage(after_pages: int) -> list[dict[str, Any]]:
    """Fail audio at once, and the list a few pages later, so that some copies are placed before."""
    down = {"kind": "status", "status": 503}
    return [{"endpoint": "media*", "action": down}, {"endpoint": "calls", "nth": [after_pages + 1, 10**9], "action": down}]


def test_s8_an_outage_of_half_an_hour_fails_nothing_holds_the_source_once_and_is_caught_up_at_no_extra_cost(
    rig_of: MakeRig, impatient: None
) -> None:
    rig = rig_of()
    now = rig.sim.now()
    rig.back_up_now(wanted=TimeRange(now - 10 * 86_400_000, now))
    rig.sim.faults.load(an_outage(after_pages=8))
    rig.back_up_now(two_years=True)
    left = rig.checker().rows()
    assert {row.state for row in left} >= {"pending", "verified"}, "it begins in the middle"
    for _ in range(8):
        rig.pass_time(MINUTE_H)
    seen = rig.admin_sees()
    assert (seen.mood, seen.failed, seen.held) == ("held", {}, {"source_away": "Everything from Dialpad"})
    assert seen.strip == {"source_away": SourceAway.advice}
    rig.sim.meter.reset()
    for _ in range(22):
        rig.pass_time(MINUTE_H)
    assert len(arrivals(rig)) <= 5 * 4, "a page of the list every five minutes, and its tries"
    assert Hold.objects.count() == 1
    assert rig.admin_sees().notices == {("hold", "source_away")}, "nothing else is wrong"
    assert {(occasion, times) for (occasion, _), times in rig.mailed("hold").items()} == {("opened", 1)}, "no storm"
    rig.sim.faults.clear()
    rig.sim.meter.reset()
    for _ in range(6):
        rig.pass_time(MINUTE_H)
    assert rig.states().keys() <= {"verified", "excluded"}, "all is there with the first probe"
    rig.check()
    seen = rig.admin_sees()
    assert (seen.mood, seen.failed, seen.held) == ("verified", {}, {})
    pages, fetched = rig.list_pages(), rig.audio_requests()
    rig.sim.meter.reset()
    rig.back_up_now(relist=True, two_years=True)
    assert fetched <= 1.5 * sum(row.state == "pending" for row in left) + rig.audio_requests()
    assert pages <= 1.5 * rig.list_pages() + 1
    assert rig.audio_requests() == 0


def test_s8_an_outage_of_two_days_fails_no_window_and_no_recording(rig_of: MakeRig, impatient: None) -> None:
    rig = rig_of(world=small_world(recordings=25))
    rig.sim.faults.load(an_outage(after_pages=8))
    run = rig.back_up_now(two_years=True).run.pk
    rig.pass_time(steps=(*[0.1] * 10, *[1.0] * 10, 12, 12, 12))
    assert rig.states().get("failed", 0) == 0
    assert max(Copy.objects.values_list("tries", flat=True)) <= 3
    rig.sim.faults.clear()
    rig.pass_time(steps=(0.1, 0.1))
    rig.check()
    assert not Hold.objects.filter(lifted_at=None).exists()
    assert read.run_progress(run).unlisted == 0


def test_s8_one_recording_that_always_meets_an_error_holds_nothing_and_fails_with_its_reason(rig_of: MakeRig, impatient: None) -> None:
    rig = rig_of(world=small_world(recordings=25))
    victim = next(it["id"] for it in rig.checker().truth() if it["kind"] == "callrecording" and it["center_id"])
    rig.sim.faults.load([{"endpoint": "media*", "id": str(victim), "action": {"kind": "status", "status": 500}}])
    rig.back_up_now()
    assert rig.admin_sees().waits.keys() == {"source_unavailable"}
    rig.pass_time(steps=(0.02, 0.1, 0.3, 1.1, 4.1, 12.1, 24.1))
    rig.check(excused={victim: {"failed"}})
    seen = rig.admin_sees()
    assert seen.failed.keys() == {"source_unavailable"}
    assert seen.advises(SourceUnavailable)
    assert not Hold.objects.exists()


def test_s8_one_window_that_always_meets_an_error_holds_nothing_and_ends_as_not_listed(rig_of: MakeRig, impatient: None) -> None:
    rig = rig_of(world=small_world(recordings=25))
    now = rig.sim.now()
    bad = TimeRange(now - 20 * 86_400_000, now - 15 * 86_400_000)
    begin = f"*started_after={bad.after_ms - PATIENCE_MS - 1}&*"
    rig.sim.faults.load([{"endpoint": "calls", "query": begin, "action": {"kind": "status", "status": 500}}])
    run = rig.start(wanted=bad)
    rig.drain()
    rig.pass_time(steps=(0.02, 0.1, 0.3, 1.1, 4.1, 12.1))
    progress = read.run_progress(run)
    assert (progress.run.state, progress.unlisted) == ("finished", 1)
    assert not Hold.objects.exists(), "the list of other days comes"
    rig.sim.faults.clear()
    rig.back_up_now()
    rig.check()
