"""What events missed is found by listing recent days again (rows W3, S24, S25)."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction

from rokuon.jobs import queue
from rokuon.jobs.tick import tick
from rokuon.ledger.models import Copy, Run
from rokuon.org import services
from rokuon.org.models import Target
from rokuon.wiring import sweeps
from tests.e2e.rig import Rig, small_world
from tests.jobs.conftest import world
from tests.ledger.factory import NOW, World

__all__ = ["world"]

MakeRig = Callable[..., Rig]


def quiet(rig_of: MakeRig, **how: object) -> Rig:
    """A company whose past is backed up already, and whose events never come."""
    rig = rig_of(world=small_world(recordings=4, days=2), **how)
    rig.back_up_now()
    return rig


def sweep(rig: Rig) -> None:
    tick(rig.clock())
    rig.drain()


def test_w3_a_call_whose_events_were_lost_is_found_within_twenty_minutes(rig_of: MakeRig) -> None:
    rig = quiet(rig_of)
    sweep(rig)
    before = Copy.objects.count()
    rig.end_call()
    rig.advance(minutes=10)
    sweep(rig)
    assert Copy.objects.count() == before + 1
    rig.check()


def test_each_reach_has_its_rhythm_and_the_longer_does_the_work_of_the_shorter(world: World) -> None:
    """Eight days of ticks, each sweep ended at once."""
    company, began = world.company.pk, Counter[str]()
    for number in range(8 * 24 * 6):
        now = NOW + timedelta(minutes=10 * number)
        sweep = sweeps.due(company, now)
        assert sweep is not None
        began[sweep.purpose] += 1
        ended = {"state": "finished", "created_at": now, "finished_at": now, "since": now - sweep.reach, "until": now}
        Run.objects.create(company_id=company, purpose=sweep.purpose, scope_kind="company", targets=[], **ended)
        assert sweeps.due(company, now) is None
    assert began == {"sweep_35d": 2, "sweep_7d": 6, "sweep_48h": 8 * 12 - 8, "sweep_3h": 8 * 24 * 6 - 8 * 12}


def test_s24_a_call_of_nine_hours_is_found_when_it_ends(rig_of: MakeRig) -> None:
    """It started long before the last three hours, and is listed only once it has ended."""
    rig = quiet(rig_of)
    sweep(rig)
    before = Copy.objects.filter(state="verified").count()
    rig.end_call(talk_ms=9 * 3_600_000)
    rig.advance(minutes=10)
    sweep(rig)
    assert Copy.objects.filter(state="verified").count() == before
    rig.advance(hours=2)
    sweep(rig)
    assert Copy.objects.filter(state="verified").count() == before + 1


def test_a_machine_that_slept_for_three_days_catches_up_with_one_tick(rig_of: MakeRig) -> None:
    rig = quiet(rig_of)
    sweep(rig)
    rig.end_call()
    rig.advance(days=3)
    sweep(rig)
    assert Run.objects.order_by("pk").last().purpose == "sweep_7d"  # type: ignore[union-attr]
    rig.check()


def test_what_is_older_than_the_rule_is_left_to_back_up_now(rig_of: MakeRig) -> None:
    rig = rig_of()
    with transaction.atomic():
        services.set_rule(list(Target.objects.all()), False, rig.clock())
        services.set_rule(list(Target.objects.all()), True, rig.clock())
    rig.advance(minutes=1)
    rig.end_call()
    sweep(rig)
    assert Copy.objects.count() == 1


def test_two_processes_begin_one_sweep(rig_of: MakeRig) -> None:
    rig = quiet(rig_of)
    now = rig.clock()
    due = sweeps.due(rig.company.pk, now)
    assert due is not None
    assert [sweeps.start(rig.company.pk, due, now, queue), sweeps.start(rig.company.pk, due, now, queue)] == [True, False]


def test_a_company_with_nothing_to_back_up_is_not_swept(rig_of: MakeRig) -> None:
    rig = quiet(rig_of)
    Target.objects.update(backed_up=False)
    sweep(rig)
    assert not Run.objects.exclude(purpose="backup_now").exists()


def test_sweeps_are_forgotten_after_a_week_but_for_the_last_of_each_reach(rig_of: MakeRig) -> None:
    rig = quiet(rig_of)
    for _ in range(3):
        sweep(rig)
        rig.advance(minutes=10)
    rig.advance(days=9)
    for _ in range(3):
        sweep(rig)
        rig.advance(minutes=10)
    old = Run.objects.exclude(purpose="backup_now").filter(created_at__lt=rig.clock() - timedelta(days=8))
    assert [run.purpose for run in old] == []
    assert Run.objects.filter(purpose="backup_now").count() == 1


def test_a_sweep_does_not_stand_among_the_runs_that_somebody_asked_for(rig_of: MakeRig) -> None:
    from rokuon.ledger import read

    rig = quiet(rig_of)
    sweep(rig)
    assert [run.purpose for run in read.latest_runs(rig.company.pk)] == ["backup_now"]
