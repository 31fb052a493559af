"""Runs beside each other, and a run whose work is removed: what one ends, the other keeps; none stays open for ever."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from rokuon.jobs import queue, tick
from rokuon.ledger import exclude, place, runs
from rokuon.ledger.models import Copy, Run, Window
from tests.ledger.factory import NOW, World, states
from tests.ledger.test_runs import SINCE, UNTIL, Queue, open_run


def test_cancelling_one_run_leaves_what_another_is_copying(world: World) -> None:
    run = open_run(world, 1)
    runs.open_run(world.company.pk, "callcenter", world.center.pk, [world.center.pk], SINCE, UNTIL, NOW, relist=False)
    world.place(world.planned(1))
    world.place(world.planned(2, world.other))
    Run.objects.filter(pk=run.pk).update(targets=[world.center.pk, world.other.pk])
    runs.cancel(run.pk, NOW)
    assert dict(Copy.objects.values_list("target_id", "state")) == {world.center.pk: "pending", world.other.pk: "excluded"}


def test_a_run_whose_last_copies_were_excluded_by_a_rule_ends_with_the_next_tick(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "without_job", lambda *_: [])
    world.place(world.planned(1))
    run = open_run(world, 0)
    runs.end_done(world.company.pk, NOW)
    assert Run.objects.get(pk=run.pk).state == "running"
    exclude.exclude_pending([world.center.pk], NOW)
    monkeypatch.setattr(tick, "without_job", lambda *_: [])
    tick.tick(NOW)
    assert Run.objects.get(pk=run.pk).state == "finished"


@pytest.mark.django_db(transaction=True)
def test_a_page_that_is_being_entered_while_the_run_is_cancelled_is_set_aside_too() -> None:
    world = World()
    run = open_run(world, 1)
    asked = Queue()
    runs.queue_windows(world.company.pk, NOW, asked)
    entered, cancelling = threading.Event(), threading.Event()

    def enter() -> None:
        with transaction.atomic():
            assert runs.advance(asked.windows[0], UNTIL - timedelta(days=3), 1, 1)
            place.place(world.company.pk, [], [world.planned(1)], NOW)
            entered.set()
            cancelling.wait(5)
            threading.Event().wait(0.3)
        connection.close()

    worker = threading.Thread(target=enter)
    worker.start()
    entered.wait(5)
    cancelling.set()
    runs.cancel(run.pk, NOW)
    worker.join()
    assert states() == {"excluded": 1}


def test_a_window_that_goes_on_after_each_failure_does_not_run_out_of_attempts(world: World) -> None:
    open_run(world, 1)
    asked = Queue()
    runs.queue_windows(world.company.pk, NOW, asked)
    (window,) = asked.windows
    now = NOW
    for hour in range(2 * runs.LISTING_ATTEMPTS):
        assert runs.advance(window, UNTIL - timedelta(hours=hour + 1), 1, 1)
        runs.put_back(window, "source_unavailable", "", 60, now, asked)
        now += timedelta(minutes=2)
        runs.queue_windows(world.company.pk, now, asked)
    assert Window.objects.get().state == "queued"


def test_a_window_that_gets_no_further_runs_out_of_attempts(world: World) -> None:
    open_run(world, 1)
    asked = Queue()
    runs.queue_windows(world.company.pk, NOW, asked)
    (window,) = asked.windows
    now = NOW
    for _ in range(runs.LISTING_ATTEMPTS):
        runs.advance(window, UNTIL - timedelta(hours=1), 1, 1)
        runs.put_back(window, "source_unavailable", "", 60, now, asked)
        now += timedelta(minutes=2)
        runs.queue_windows(world.company.pk, now, asked)
    # The first round moved the mark, and so began to count anew.
    assert Window.objects.get().attempt == runs.LISTING_ATTEMPTS
    assert Window.objects.get().state == "failed"


def test_being_asked_to_slow_down_spends_no_attempt_of_a_window(world: World) -> None:
    open_run(world, 1)
    asked = Queue()
    runs.queue_windows(world.company.pk, NOW, asked)
    runs.put_back(asked.windows[0], "source_throttled", "", 60, NOW, asked, spends=False)
    assert Window.objects.get().attempt == 0
