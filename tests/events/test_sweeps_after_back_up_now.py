"""Without any event and any timer: what comes late after the first Back up now is found by sweeps (issue 9, line 17)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction

from rokuon.domain.ports import TimeRange
from rokuon.jobs import queue
from rokuon.jobs.tick import tick
from rokuon.ledger.models import Copy, Run
from rokuon.ledger.sql import ms
from rokuon.org import services
from rokuon.org.models import Company, Member, Office, Target
from rokuon.simulator.model import Call, Recording
from rokuon.wiring import sweeps
from tests.e2e.rig import Rig, small_world

MakeRig = Callable[..., Rig]
DAY_MS = 86_400_000


def first_backup(rig: Rig, **how: object) -> None:
    """Rules are switched on, and Back up now lists the past: as the set-up checklist has it."""
    with transaction.atomic():
        services.set_rule(list(Target.objects.all()), False, rig.clock())
        services.set_rule(list(Target.objects.all()), True, rig.clock())
    tick(rig.clock())
    rig.drain()
    rig.advance(seconds=30)
    rig.back_up_now(**how)


def late_recording(rig: Rig, days_old: float) -> Recording:
    """A call of so many days ago whose recording is not listed yet."""
    maker = rig.sim.world.makers[rig.sim.company.id]
    legs: list[Call] = maker.center_call(rig.sim.company.centers[0], rig.sim.now() - int(days_old * DAY_MS) - 300_000, 60_000, 0)
    for leg in legs:
        leg.recordings.clear()
    recording = maker.add(legs[0], "callrecording", legs[0].started + 10_000, 5_000)
    recording.published = False
    rig.sim.world.enter(rig.sim.company.id, legs)
    return recording


def verified(recording: Recording) -> bool:
    return Copy.objects.filter(recording__recording_id=str(recording.id), state="verified").exists()


def pass_days(rig: Rig, days: float, step_hours: float) -> None:
    for _ in range(int(days * 24 / step_hours)):
        rig.advance(hours=step_hours)
        tick(rig.clock())
        rig.drain()


@pytest.mark.parametrize(
    ("days_old", "late_hours", "within_hours"),
    [
        (0.01, 1 / 60, 0.4),
        (0.01, 1, 0.4),
        (0.01, 24, 2.2),
        (5, 1 / 60, 25),
        (0.01, 20 * 24, 8 * 24),
        (34, 1 / 60, 8 * 24),
        (28, 6 * 24, 8 * 24),
    ],
)
def test_a_recording_that_is_listed_late_is_found_without_events(
    rig_of: MakeRig, days_old: float, late_hours: float, within_hours: float
) -> None:
    rig = rig_of(world=small_world(recordings=4, days=3))
    recording = late_recording(rig, days_old)
    now = ms(rig.clock())
    first_backup(rig, wanted=TimeRange(now - int((days_old + 2) * DAY_MS), now))
    assert not verified(recording)
    step = 24 if within_hours > 30 else 1 if within_hours > 3 else 0.17
    if late_hours <= 2:
        rig.advance(hours=late_hours)
    else:
        pass_days(rig, late_hours / 24, 24 if late_hours > 48 else 2)
    assert not verified(recording)
    recording.published = True
    pass_days(rig, within_hours / 24, step)
    assert verified(recording)


def test_a_call_in_progress_at_the_first_back_up_now_is_found_when_it_has_ended(rig_of: MakeRig) -> None:
    """One that began an hour before the rule, and ended an hour after the run; another of nine hours."""
    rig = rig_of(world=small_world(recordings=4, days=2))
    first_backup(rig)
    before = Copy.objects.count()
    rig.advance(hours=1)
    rig.end_call(talk_ms=2 * 3_600_000)
    pass_days(rig, 0.35 / 24, 0.17)
    assert Copy.objects.filter(state="verified").count() == before + 1
    rig.advance(hours=5)
    rig.end_call(talk_ms=9 * 3_600_000)
    pass_days(rig, 2.2 / 24, 1)
    assert Copy.objects.filter(state="verified").count() == before + 2
    rig.check()


def test_a_sweep_stays_within_the_dates_that_back_up_now_was_asked_for(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=4, days=1))
    wanted, passed_by = late_recording(rig, 6), late_recording(rig, 20)
    now = ms(rig.clock())
    first_backup(rig, wanted=TimeRange(now - 8 * DAY_MS, now - 4 * DAY_MS))
    wanted.published = passed_by.published = True
    pass_days(rig, 8, 12)
    assert verified(wanted)
    assert not verified(passed_by), "nobody asked for it"


def test_what_was_never_backed_up_is_not_swept(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=4, days=1))
    old = late_recording(rig, 3)
    old.published = True
    with transaction.atomic():
        services.set_rule(list(Target.objects.all()), False, rig.clock())
        services.set_rule(list(Target.objects.all()), True, rig.clock())
    pass_days(rig, 8, 12)
    assert not verified(old)


@pytest.mark.parametrize("state", ["cancelled", "paused"])
def test_the_range_of_a_run_that_was_cancelled_or_paused_is_not_swept(rig_of: MakeRig, state: str) -> None:
    rig = rig_of(world=small_world(recordings=4, days=1))
    old = late_recording(rig, 3)
    first_backup(rig)
    at = {"finished_at": rig.clock()} if state == "cancelled" else {"paused_at": rig.clock(), "finished_at": None}
    Run.objects.filter(purpose="backup_now").update(state=state, **at)
    old.published = True
    pass_days(rig, 1.5, 6)
    assert not verified(old)


def test_the_longest_sweep_reaches_back_from_the_last_one_so_that_nothing_ages_out_between_two(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=4, days=1))
    Target.objects.update(backed_up_at=rig.clock() - timedelta(days=300))
    now = rig.clock()
    longest = sweeps.SWEEPS[0]
    assert sweeps.start(rig.company.pk, longest, now, queue)
    rig.drain()
    later = now + timedelta(days=7)
    assert sweeps.start(rig.company.pk, longest, later, queue)
    assert Run.objects.latest("pk").since == now - longest.reach


def test_a_worker_reads_the_directory_once_a_day_so_that_a_new_trainee_is_not_passed_by(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=4, days=1))
    first_backup(rig)
    sim = rig.sim.company
    trainee = next(user for user in sim.users if user.team is None and user not in sim.teams[0].coaches)
    sim.teams[0].trainees.append(trainee)
    trainee.team = sim.teams[0]
    pass_days(rig, 1.3, 6)
    assert Member.objects.filter(user_id=str(trainee.id)).exists()
    assert Company.objects.get().synced_at > rig.clock() - timedelta(days=1)  # type: ignore[operator]


def test_a_directory_that_cannot_be_read_does_not_stop_a_sweep(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=4, days=1))
    first_backup(rig)
    rig.advance(days=2)
    before, offices = Copy.objects.count(), Office.objects.count()
    rig.end_call()
    rig.sim.faults.load([{"endpoint": "users", "action": {"kind": "status", "status": 403}}])
    rig.advance(minutes=10)
    tick(rig.clock())
    rig.drain()
    assert Copy.objects.count() == before + 1
    assert Office.objects.count() == offices
