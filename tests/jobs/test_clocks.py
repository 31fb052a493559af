"""Clocks that were ahead or are wrong: nothing waits for a time that was never right, and what is wrong is said."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection

from rokuon.cli.doctor import clocks
from rokuon.cli.doctor import company as company_check
from rokuon.cli.doctor.check import Level
from rokuon.cli.support.session import CliSession
from rokuon.domain.failures import HoldOn
from rokuon.events.models import Hint, Hook
from rokuon.jobs import future, queue, worker
from rokuon.jobs.tick import tick
from rokuon.ledger import holds
from rokuon.ledger.models import Copy, Coverage, Hold, Run, Window
from rokuon.notify.models import Notice, NoticeKind
from rokuon.org import budget
from rokuon.org.models import Budget, Company, Target
from rokuon.runtime import shared_clock
from rokuon.runtime.database_clock import DatabaseClock, database_now
from rokuon.runtime.shared_clock import SharedClock
from rokuon.wiring import sweeps
from tests.e2e.rig import Rig, small_world
from tests.ledger.factory import NOW, World

YEAR, DAY = timedelta(days=365), timedelta(days=1)

MakeRig = Callable[..., Rig]


def swept(world: World, purpose: str, created_at: datetime, **how: Any) -> Run:
    ended = {"state": "finished", "finished_at": created_at, "since": created_at - DAY, "until": created_at, **how}
    return Run.objects.create(
        company=world.company, purpose=purpose, scope_kind="company", targets=[world.center.pk], created_at=created_at, **ended
    )


# --- a clock that was ahead ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [timedelta(minutes=6), DAY, 10 * YEAR])
def test_sweeps_that_a_clock_noted_ahead_count_as_none(world: World, ahead: timedelta) -> None:
    for sweep in sweeps.SWEEPS:
        swept(world, sweep.purpose, NOW + ahead)
    due = sweeps.due(world.company.pk, NOW)
    assert due is not None
    assert due.purpose == Run.Purpose.SWEEP_35D


def test_a_sweep_noted_by_another_machine_a_moment_ahead_still_counts(world: World) -> None:
    for sweep in sweeps.SWEEPS:
        swept(world, sweep.purpose, NOW + timedelta(minutes=4))
    assert sweeps.due(world.company.pk, NOW) is None


def test_after_a_day_ahead_the_clock_is_put_back_and_the_next_tick_sweeps(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=4, days=2))
    rig.back_up_now()
    rig._ahead += DAY
    tick(rig.clock())
    rig.drain()
    assert Run.objects.exclude(purpose=Run.Purpose.BACK_UP_NOW).exists()
    rig._ahead -= DAY
    rig.end_call()
    before = Copy.objects.count()
    tick(rig.clock())
    rig.drain()
    assert Copy.objects.count() == before + 1
    assert not Coverage.objects.filter(listed_at__gt=rig.clock() + timedelta(minutes=5)).exists()
    (check,) = [one for one in company_check.company_checks(CliSession(rig.config, rig.installation)) if one.what.endswith(": backup")]
    assert check.level is Level.OK


def test_days_that_a_clock_sealed_ahead_are_listed_again(world: World) -> None:
    day = NOW.date()
    Coverage.objects.create(target=world.center, day=day, fingerprint="f", listed_at=NOW + 60 * DAY, sealed=True)
    Coverage.objects.create(target=world.other, day=day, fingerprint="f", listed_at=NOW, sealed=False)
    assert future.take_back(NOW) == 1
    assert list(Coverage.objects.values_list("target_id", flat=True)) == [world.other.pk]


def test_what_waits_for_a_time_that_was_never_right_is_due_and_what_waits_rightly_waits_on(world: World) -> None:
    ahead = NOW + YEAR
    world.place(world.planned(1), world.planned(2))
    late, right = Copy.objects.order_by("pk")
    Copy.objects.filter(pk=late.pk).update(due_at=ahead)
    Copy.objects.filter(pk=right.pk).update(due_at=NOW + DAY)
    run = swept(world, Run.Purpose.BACK_UP_NOW, NOW, state="running", finished_at=None)
    window = {"run": run, "scope_kind": "company", "after": NOW - DAY, "before": NOW, "listed_down_to": NOW, "targets": [world.center.pk]}
    Window.objects.create(**window, due_at=ahead)
    holds.open_hold(world.company.pk, HoldOn.SOURCE, "", "source_away", "", ahead)
    Hint.objects.create(company_id=world.company.pk, digest="d", call_id="c", state="hangup", received_at=NOW, due_at=ahead)
    Hook.objects.create(company_id=world.company.pk, secret="s", checked_at=ahead, event_at=ahead)
    Company.objects.filter(pk=world.company.pk).update(synced_at=ahead, created_at=NOW - YEAR)
    Target.objects.filter(pk=world.center.pk).update(backed_up_at=ahead)
    Target.objects.filter(pk=world.other.pk).update(backed_up_at=NOW - DAY)
    Notice.objects.create(company=world.company, kind=NoticeKind.SILENCE, since=NOW, opened_at=ahead, told_at=ahead, facts={})

    future.take_back(NOW)
    assert (Copy.objects.get(pk=late.pk).due_at, Copy.objects.get(pk=right.pk).due_at) == (NOW, NOW + DAY)
    assert Window.objects.get().due_at == NOW
    assert Hold.objects.get().probe_at == NOW
    assert Hint.objects.get().due_at == NOW
    assert (Hook.objects.get().checked_at, Hook.objects.get().event_at) == (None, None)
    assert Company.objects.get().synced_at is None
    assert Target.objects.get(pk=world.center.pk).backed_up_at == NOW - YEAR, "rather too many days are swept than too few"
    assert Target.objects.get(pk=world.other.pk).backed_up_at == NOW - DAY
    assert (Notice.objects.get().opened_at, Notice.objects.get().told_at) == (NOW, NOW)
    assert future.take_back(NOW) == 0


def test_a_request_budget_that_was_used_ahead_lets_requests_out_again(world: World) -> None:
    """By the database's own clock, which was ahead too where the database is on the same machine."""
    there = database_now() + 2 * DAY
    Budget.objects.update(next_at=there, next_sweep_at=there, blocked_until=there, throttled_at=there, lowered_at=there, lowered_to=1)
    assert budget.reserve(world.company.pk, 1, "live")[0] > 3600
    future.take_back(NOW)
    assert budget.reserve(world.company.pk, 1, "live")[0] < 5
    blocked = database_now() + timedelta(hours=23)
    Budget.objects.update(blocked_until=blocked)
    future.take_back(NOW)
    assert Budget.objects.get().blocked_until == blocked, "Dialpad asked for that"


def test_a_dead_worker_of_a_time_to_come_is_not_alive(world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) SELECT now() + interval '1 day' FROM generate_series(1, 2)")
    assert queue.live_workers(60) == 0
    future.take_back(NOW)
    assert queue.live_workers(60) == 1, "its jobs are rescued once its sign of life is old"


# --- a clock that is wrong now ---------------------------------------------------------------------------------------------


def test_the_databases_clock_serves_whatever_becomes_of_the_machines(world: World) -> None:
    apart, passed = 10 * YEAR, 0.0
    clock = DatabaseClock(lambda: datetime.now(UTC) + apart, lambda: passed)
    assert clock() > database_now() + 9 * YEAR, "nothing is known yet"
    assert abs(clock.look() - 10 * YEAR) < timedelta(minutes=1)
    seen = clock()
    assert abs(seen - database_now()) < timedelta(minutes=1)
    apart, passed = -YEAR, 90.0
    assert clock() - seen == timedelta(seconds=90)
    assert abs(clock.look() + YEAR) < timedelta(minutes=1)


@pytest.mark.parametrize(("minutes", "asks"), [(0, True), (4, True), (-4, True), (6, False), (-6, False), (60 * 24 * 400, False)])
def test_a_worker_whose_clock_is_off_asks_for_no_work_and_says_so(
    rig_of: MakeRig, caplog: pytest.LogCaptureFixture, minutes: int, asks: bool
) -> None:
    rig = rig_of(world=small_world(recordings=2, days=1))
    clock = DatabaseClock(lambda: datetime.now(UTC) + timedelta(minutes=minutes))

    async def work() -> None:
        engine = rig.engine()
        engine.clock = clock
        app = worker.build_app(engine)
        try:
            async with app.open_async():
                await worker._tick(app, engine, clock)
        finally:
            await engine.close()

    with caplog.at_level(logging.ERROR):
        asyncio.run(work())
    assert Run.objects.exclude(purpose=Run.Purpose.BACK_UP_NOW).exists() == asks
    said = [record for record in caplog.records if record.msg == "clock_is_wrong"]
    assert [abs(record.ahead_s - minutes * 60) < 30 for record in said] == ([] if asks else [True])  # type: ignore[attr-defined]
    created = Run.objects.exclude(purpose=Run.Purpose.BACK_UP_NOW).values_list("created_at", flat=True)
    assert all(abs(at - database_now()) < timedelta(minutes=1) for at in created), "by the database's clock"


def test_what_is_wrong_is_still_told_where_no_worker_may_ask_for_work(world: World) -> None:
    world.company.api_key = "sealed"
    world.company.enabled, world.company.bucket = True, world.bucket
    world.company.save()
    Target.objects.update(backed_up_at=NOW - DAY)
    tick(NOW, asks=False)
    assert not Run.objects.exists()
    assert Notice.objects.filter(kind=NoticeKind.NOT_LISTED).exists()


# --- doctor ----------------------------------------------------------------------------------------------------------------


def test_doctor_names_what_was_noted_in_the_future_and_is_silent_where_nothing_was(rig_of: MakeRig) -> None:
    rig = rig_of(world=small_world(recordings=2, days=1))
    session = CliSession(rig.config, rig.installation)
    assert list(clocks.future(session)) == []
    ahead = session.now() + DAY
    Copy.objects.update(changed_at=ahead)
    Run.objects.create(
        company=rig.company, purpose="sweep_3h", scope_kind="company", targets=[], state="finished", since=session.now(), until=ahead,
        created_at=ahead, finished_at=ahead,
    )  # fmt: skip
    (check,) = clocks.future(session)
    assert check.level is Level.WARNING
    assert "ledger_run.created_at" in check.says
    assert check.todo
    (backup,) = [one for one in company_check.company_checks(session) if one.what.endswith(": backup")]
    assert f"{ahead:%Y-%m-%d}" not in backup.says, "nothing is looked through up to tomorrow"


@pytest.mark.parametrize(
    ("off", "level"),
    [(0, Level.OK), (2, Level.WARNING), (-2, Level.WARNING), (6, Level.PROBLEM), (-6, Level.PROBLEM)],
)
def test_doctor_says_that_a_worker_here_would_ask_for_nothing(rig_of: MakeRig, off: int, level: Level) -> None:
    rig = rig_of(world=small_world(recordings=2, days=1))

    class Elsewhen(CliSession):
        def own_now(self) -> datetime:
            return datetime.now(UTC) + timedelta(minutes=off)

    check = clocks.of_the_database(Elsewhen(rig.config, rig.installation))
    assert check.level is level
    assert ("asks for no work" in check.todo) == (level is Level.PROBLEM)


@pytest.mark.parametrize("off", [timedelta(days=1), timedelta(days=-1), timedelta(minutes=7)])
def test_what_a_console_notes_is_of_the_databases_clock(world: World, off: timedelta) -> None:
    shared = SharedClock(DatabaseClock(own=lambda: datetime.now(UTC) + off))
    assert abs(shared() - database_now()) < timedelta(minutes=1)


def test_while_the_database_is_away_the_last_look_counts_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = DatabaseClock(own=lambda: datetime.now(UTC) + timedelta(days=1))
    shared = SharedClock(clock)
    shared()
    monkeypatch.setattr(shared_clock, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(shared, "_due", 0.0)
    with connection.execute_wrapper(_is_away):
        kept = shared()
    assert abs(kept - database_now()) < timedelta(minutes=1)


def _is_away(*_arguments: object) -> None:
    raise OperationalError
