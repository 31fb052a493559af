"""What counted as listed and does not any more is listed again by sweeps, however old it is, and without a Back up now."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import settings as settings_by_person
from rokuon.completeness import unknown
from rokuon.domain.ports import TimeRange
from rokuon.jobs import queue
from rokuon.ledger.models import Copy, Run, Window
from rokuon.ledger.sql import ms
from rokuon.org.models import Target
from rokuon.simulator.model import Recording, Team, User
from tests.e2e.rig import Rig, small_world

from .test_sweeps_after_back_up_now import DAY_MS, first_backup, pass_days

MakeRig = Callable[..., Rig]
OLD_DAYS = 200


def someone_new(rig: Rig) -> tuple[Team, User]:
    sim = rig.sim.company
    return sim.teams[0], next(user for user in sim.users if user.team is None and user not in sim.teams[0].coaches)


def old_recording(rig: Rig, user: User, days_old: float = OLD_DAYS) -> Recording:
    """A direct call of this person, so many days ago, with its recording."""
    maker = rig.sim.world.makers[rig.sim.company.id]
    legs = maker.user_call(user, rig.sim.now() - int(days_old * DAY_MS), 60_000, 0)
    recording = maker.add(legs[0], "callrecording", legs[0].started + 10_000, 5_000)
    rig.sim.world.enter(rig.sim.company.id, legs)
    return recording


def joins(user: User, team: Team) -> None:
    user.team = team
    team.trainees.append(user)


def states(recording: Recording) -> list[str]:
    return list(Copy.objects.filter(recording__recording_id=str(recording.id)).values_list("state", flat=True))


def not_known(rig: Rig) -> unknown.Unknown:
    return unknown.find_unknown(rig.company, Target.objects.select_related("office"), rig.clock())


def listed_since(rig: Rig) -> datetime:
    """How far back the windows of sweeps went."""
    return Window.objects.exclude(run__purpose="backup_now").earliest("after").after


def test_the_past_of_a_new_trainee_is_backed_up_within_days_and_without_a_back_up_now(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=4, days=1))
    team, user = someone_new(rig)
    recording = old_recording(rig, user)
    first_backup(rig, two_years=True)
    assert states(recording) == [], "nobody's team, nobody's recording"
    assert not not_known(rig)
    joins(user, team)
    pass_days(rig, 2.6, 6)
    assert states(recording) == ["verified"]
    assert not not_known(rig)
    pages = rig.list_pages()
    pass_days(rig, 1.5, 6)
    assert rig.list_pages() - pages < 40, "the past is listed once"
    rig.check()


def test_a_new_trainee_of_a_team_whose_past_nobody_asked_for_costs_no_look_at_it(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=4, days=1))
    team, user = someone_new(rig)
    recording = old_recording(rig, user)
    now = ms(rig.clock())
    first_backup(rig, wanted=TimeRange(now - 100 * DAY_MS, now))
    joins(user, team)
    pass_days(rig, 2.6, 6)
    assert states(recording) == []
    assert ms(listed_since(rig)) >= now - 101 * DAY_MS


def test_a_rule_that_was_off_for_a_moment_does_not_lose_the_past_that_was_asked_for(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=4, days=1))
    team, _user = someone_new(rig)
    recording = old_recording(rig, team.trainees[0])
    first_backup(rig, two_years=True)
    assert states(recording) == ["verified"]
    late = old_recording(rig, team.trainees[0], OLD_DAYS + 1)
    every = list(Target.objects.select_related("office"))
    for on, off in (([], every), (every, [])):
        settings_by_person.change_rules(rig.company, on, off, queue, COMMAND_LINE, rig.clock())
    assert not_known(rig)
    pass_days(rig, 2.6, 6)
    assert not not_known(rig)
    assert states(late) == ["verified"]


@pytest.mark.parametrize("state", ["cancelled", "paused"])
def test_what_a_person_stopped_is_not_taken_up_by_a_sweep(rig_of: MakeRig, state: str) -> None:
    rig = rig_of(world=small_world(recordings=4, days=1))
    team, user = someone_new(rig)
    recording = old_recording(rig, user)
    first_backup(rig, two_years=True)
    at = {"finished_at": rig.clock()} if state == "cancelled" else {"paused_at": rig.clock(), "finished_at": None}
    Run.objects.filter(purpose="backup_now").update(state=state, **at)
    joins(user, team)
    pass_days(rig, 2.6, 6)
    assert states(recording) == []
    assert listed_since(rig) > datetime.fromtimestamp(rig.clock().timestamp() - 60 * 86_400, UTC)
