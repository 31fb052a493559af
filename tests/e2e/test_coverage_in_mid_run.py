"""A day is sealed for a target only if every part of it was listed for that target, and all in the same way (promise 1)."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import settings
from rokuon.completeness.options import fingerprint
from rokuon.domain.ports import TimeRange
from rokuon.jobs import queue
from rokuon.ledger.models import Coverage, Window
from rokuon.ledger.sql import ms
from rokuon.org import directory as directories
from rokuon.org import services
from rokuon.org.models import Member, Target
from rokuon.wiring import directory_sync, job_handlers, key_check
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig


def interrupted(rig: Rig, monkeypatch: pytest.MonkeyPatch, *meanwhile: Callable[[], object]) -> None:
    """Process a run's only window in several jobs, and do one of `meanwhile` after each."""
    now_ms = ms(rig.clock())
    rig.start(wanted=TimeRange(now_ms - 28 * 86_400_000, now_ms))
    monkeypatch.setattr(job_handlers, "SHARE_S", 0.0)
    for action in meanwhile:
        for window in list(Window.objects.filter(state="queued").values_list("pk", flat=True)):
            rig.run_async(lambda one, window=window: one.window(window))
        action()
    monkeypatch.undo()
    rig.drain()


def covered(target: Target) -> int:
    return Coverage.objects.filter(target=target).count()


def test_a_target_whose_rule_was_off_for_a_part_of_the_listing_is_not_covered(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of()
    one, other = Target.objects.filter(company=rig.company, kind="callcenter").order_by("pk")[:2]
    interrupted(
        rig,
        monkeypatch,
        lambda: settings.change_rules(rig.company, [], [one], queue, COMMAND_LINE, rig.clock()),
        lambda: settings.change_rules(rig.company, [one], [], queue, COMMAND_LINE, rig.clock()),
    )
    assert covered(other) > 0
    assert covered(one) == 0


def test_a_kind_that_was_chosen_for_a_part_of_the_listing_is_not_covered(rig_of: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_of()
    interrupted(rig, monkeypatch, lambda: services.change(rig.company, {"voicemail": True}))
    assert Coverage.objects.filter(fingerprint=fingerprint(type(rig.company).objects.get())).count() == 0


def test_a_team_that_somebody_joined_is_listed_again(rig_of: MakeRig) -> None:
    rig = rig_of()
    rig.back_up_now()
    told = rig.run_async(lambda one: _directory(one, rig.company.pk))
    team = Target.objects.filter(company=rig.company, kind="coachingteam").first()
    assert team is not None
    assert covered(team) > 0
    directory_sync.enter(rig.company.pk, key_check.Account(told, None), rig.clock())
    assert covered(team) > 0, "nobody joined"
    members = {**told.members, team.dialpad_id: (*told.members[team.dialpad_id], "4242")}
    directory_sync.enter(rig.company.pk, key_check.Account(replace(told, members=members), None), rig.clock())
    assert covered(team) == 0
    assert Member.objects.filter(team=team, user_id="4242").exists()


async def _directory(one: job_handlers.JobHandlers, company_id: int) -> "directories.Directory":
    return await (await one.connections.source(company_id)).directory()
