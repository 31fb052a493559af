"""Recorded calls outside every rule while rules and the directory change: no day is called known whose calls were neither copied nor
counted."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.actions import settings
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import Directory, ScopeKind
from rokuon.jobs import queue
from rokuon.ledger.models import Run, Window
from rokuon.ledger.outside_models import OutsideCount, OutsideDay
from rokuon.ledger.sql import ms
from rokuon.org.models import Company, Target
from rokuon.wiring import backup_now, directory_sync, key_check
from rokuon.wiring.job_handlers import JobHandlers
from tests.e2e.conftest import MakeRig
from tests.e2e.rig import Rig

DAYS = 20


@pytest.fixture
def rig(rig_of: MakeRig) -> Rig:
    return rig_of()


def centers(rig: Rig) -> list[Target]:
    return list(Target.objects.filter(company=rig.company, kind="callcenter").order_by("pk"))


def start_for(rig: Rig, target: Target) -> Window:
    """Start a run over one target, which lists the company because a listing by target is not trusted."""
    now = rig.clock()
    wanted = TimeRange(ms(now - timedelta(days=DAYS)), ms(now))
    backup_now.start(rig.company.pk, ScopeKind(target.kind), target.pk, wanted, now, queue)
    window = Window.objects.get()
    assert (window.scope_kind, window.targets) == ("company", [target.pk])
    return window


def switch_off(rig: Rig, target: Target) -> None:
    settings.change_rules(rig.company, [], [target], queue, COMMAND_LINE, rig.clock())


def in_thread(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        work()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def waiting(kind: str) -> Callable[[], bool]:
    """Whether a database session waits for a lock of this kind (`pg_locks.locktype`)."""

    def look() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = %s", [kind])
            (count,) = cursor.fetchone()
        return bool(count)

    return look


def until(happened: Callable[[], bool]) -> None:
    for _ in range(500):
        if happened():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen within 10 s")


def switched_off_meanwhile(rig: Rig, target: Target, window: Window, held: Callable[[], object]) -> None:
    """Switch the target's rule off while the window's job waits for a row that `held` locks, inside of its transaction."""
    with transaction.atomic():
        held()
        job = in_thread(lambda: rig.run_async(lambda one: one.window(window.pk)))
        until(waiting("transactionid"))
        switching = in_thread(lambda: switch_off(rig, target))
        until(lambda: not switching.is_alive() or waiting("advisory")())
    job.join()
    switching.join()
    rig.drain()
    assert Window.objects.get().state == "done"


def test_a_rule_that_is_switched_off_while_a_window_ends_leaves_no_day_known_that_missed_its_calls(rig: Rig) -> None:
    sorted_into, left_out = centers(rig)[:2]
    window = start_for(rig, sorted_into)
    switched_off_meanwhile(rig, left_out, window, lambda: Run.objects.select_for_update().get())
    assert not OutsideDay.objects.exists()
    assert not OutsideCount.objects.exists()


def test_a_rule_that_is_switched_off_while_a_job_reads_it_leaves_no_day_known_that_missed_its_calls(rig: Rig) -> None:
    sorted_into, left_out = centers(rig)[:2]
    window = start_for(rig, sorted_into)
    switched_off_meanwhile(rig, left_out, window, lambda: Window.objects.select_for_update().get())
    assert not OutsideDay.objects.exists()


def test_a_rule_that_was_off_before_the_listing_leaves_its_days_known(rig: Rig) -> None:
    sorted_into, without = centers(rig)[:2]
    switch_off(rig, without)
    start_for(rig, sorted_into)
    rig.drain()
    assert OutsideDay.objects.count() >= DAYS - 1
    assert OutsideCount.objects.filter(kind="callcenter", line_id=without.dialpad_id).exists()


# --- the directory ----------------------------------------------------------------------------------------------------


def without_a_trainee(rig: Rig) -> tuple[Target, Directory]:
    """A team, and the directory in which one of its trainees has left it."""

    async def read(engine: JobHandlers) -> Directory:
        return await (await engine.connections.source(rig.company.pk)).directory()

    told = rig.run_async(read)
    team = Target.objects.filter(company=rig.company, kind="coachingteam").earliest("pk")
    fewer = {**told.members, team.dialpad_id: told.members[team.dialpad_id][1:]}
    return team, replace(told, members=fewer)


def enter(rig: Rig, told: Directory) -> None:
    directory_sync.enter(rig.company.pk, key_check.Account(told, None), rig.clock())


def test_a_trainee_who_leaves_a_team_leaves_no_day_known_on_which_the_trainees_calls_were_left_out(rig: Rig) -> None:
    start_for(rig, centers(rig)[0])
    rig.drain()
    _team, told = without_a_trainee(rig)
    assert OutsideDay.objects.exists()
    enter(rig, told)
    assert not OutsideDay.objects.exists()


def test_a_trainee_who_leaves_a_team_that_is_backed_up_or_has_no_rule_leaves_the_days_known(rig: Rig) -> None:
    team, told = without_a_trainee(rig)
    now = rig.clock()
    rig.back_up_now(wanted=TimeRange(ms(now - timedelta(days=DAYS)), ms(now)))
    known = OutsideDay.objects.count()
    assert known >= DAYS - 1
    enter(rig, told)
    assert OutsideDay.objects.count() == known, "the calls of the past are in the ledger"
    Target.objects.filter(pk=team.pk).update(backed_up=False)
    enter(rig, replace(told, members={**told.members, team.dialpad_id: ()}))
    assert OutsideDay.objects.count() == known, "without a rule, they were counted"


def test_a_key_that_lists_no_recordings_says_nothing_of_other_lines(rig: Rig) -> None:
    Company.objects.filter(pk=rig.company.pk).update(exports=False)
    start_for(rig, centers(rig)[0])
    rig.drain()
    assert not OutsideDay.objects.exists()
