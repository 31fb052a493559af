"""Runs: one per scope, windows handed out a few at a time, each ended once (M11, E23)."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from rokuon.domain.failures import HoldOn
from rokuon.ledger import holds, read, record, runs
from rokuon.ledger.models import Copy, Run, Window
from tests.ledger.factory import NOW, World, failed, states

SINCE, UNTIL = NOW - timedelta(days=730), NOW


class Queue:
    """Collects what was asked for."""

    def __init__(self) -> None:
        self.windows: list[int] = []

    def __call__(self, window_id: int) -> None:
        self.windows.append(window_id)


def open_run(world: World, windows: int, now: datetime = NOW) -> Run:
    run, started = runs.open_run(world.company.pk, "company", 0, [world.center.pk], SINCE, UNTIL, now, relist=False)
    assert started
    runs.add_windows(
        run,
        [
            runs.WindowPlan("company", "", (world.center.pk,), UNTIL - timedelta(days=29 * (n + 1)), UNTIL - timedelta(days=29 * n))
            for n in range(windows)
        ],
        now,
    )
    return run


def test_a_second_run_of_one_scope_joins_the_first(world: World) -> None:
    run = open_run(world, 1)
    again, started = runs.open_run(world.company.pk, "company", 0, [world.center.pk], SINCE, UNTIL, NOW, relist=True)
    assert (again.pk, started) == (run.pk, False)


def test_another_scope_runs_beside_it(world: World) -> None:
    open_run(world, 1)
    _, started = runs.open_run(world.company.pk, "callcenter", world.center.pk, [world.center.pk], SINCE, UNTIL, NOW, relist=False)
    assert started


def test_only_a_few_windows_of_a_company_wait_in_the_queue(world: World) -> None:
    open_run(world, 9)
    queue = Queue()
    runs.queue_windows(world.company.pk, NOW, queue)
    runs.queue_windows(world.company.pk, NOW, queue)
    assert len(queue.windows) == runs.QUEUED_PER_COMPANY


def test_a_finished_window_makes_room_for_the_next_and_the_last_one_ends_the_run(world: World) -> None:
    run = open_run(world, 4)
    queue = Queue()
    runs.queue_windows(world.company.pk, NOW, queue)
    for done in range(4):
        assert Run.objects.get(pk=run.pk).state == "running"
        runs.finish_window(queue.windows[done], NOW, queue)
    assert sorted(queue.windows) == sorted(Window.objects.values_list("pk", flat=True))
    assert Run.objects.get(pk=run.pk).state == "finished"


def test_the_newest_window_is_handed_out_first(world: World) -> None:
    open_run(world, 9)
    queue = Queue()
    runs.queue_windows(world.company.pk, NOW, queue)
    newest = list(Window.objects.order_by("-before").values_list("pk", flat=True)[: len(queue.windows)])
    assert sorted(queue.windows) == sorted(newest)


def test_a_run_with_a_due_copy_outside_its_windows_is_not_finished(world: World) -> None:
    (work,) = world.place(world.planned(1))
    run = open_run(world, 0)
    runs.end_done(world.company.pk, NOW)
    assert Run.objects.get(pk=run.pk).state == "running"
    world.verify(work)
    runs.end_done(world.company.pk, NOW)
    assert Run.objects.get(pk=run.pk).state == "finished"


def test_a_run_does_not_wait_for_copies_that_a_hold_stops(world: World) -> None:
    world.place(world.planned(1))
    run = open_run(world, 0)
    holds.open_hold(world.company.pk, HoldOn.BUCKET, str(world.bucket.pk), "bucket_forbidden", "", NOW)
    runs.end_done(world.company.pk, NOW)
    assert Run.objects.get(pk=run.pk).state == "finished"


def test_the_resume_mark_moves_down_only(world: World) -> None:
    open_run(world, 1)
    queue = Queue()
    (window_id,) = runs.queue_windows(world.company.pk, NOW, queue)
    for days, mark in ((5, 5), (3, 5), (400, 29)):
        assert runs.advance(window_id, UNTIL - timedelta(days=days), 1, 50)
        assert Window.objects.get().listed_down_to == UNTIL - timedelta(days=mark)
    window = Window.objects.get()
    assert window.listed_down_to == window.after
    assert (window.pages, window.calls) == (3, 150)


def test_a_window_of_a_cancelled_run_does_not_advance(world: World) -> None:
    run = open_run(world, 1)
    (window_id,) = runs.queue_windows(world.company.pk, NOW, Queue())
    assert runs.cancel(run.pk, NOW)
    assert not runs.advance(window_id, SINCE, 1, 1)


def test_a_cancelled_run_sets_its_rest_aside_and_the_next_run_takes_it_back(world: World) -> None:
    world.place(world.planned(1))
    run = open_run(world, 1)
    assert runs.cancel(run.pk, NOW)
    assert not runs.cancel(run.pk, NOW)
    assert states() == {"excluded": 1}
    runs.take_up(world.company.pk, [world.center.pk], SINCE, UNTIL, NOW)
    assert states() == {"pending": 1}


def test_a_held_source_hands_out_no_window(world: World) -> None:
    open_run(world, 2)
    holds.open_hold(world.company.pk, HoldOn.SOURCE, "", "source_key_refused", "", NOW)
    assert runs.queue_windows(world.company.pk, NOW, Queue()) == []
    holds.lift(world.company.pk, HoldOn.SOURCE, "", NOW)
    assert len(runs.queue_windows(world.company.pk, NOW, Queue())) == 2


def test_a_listing_that_keeps_failing_waits_longer_each_time_and_then_ends_visibly(world: World) -> None:
    run = open_run(world, 1)
    now = NOW
    for attempt in range(runs.LISTING_ATTEMPTS):
        (window_id,) = runs.queue_windows(world.company.pk, now, Queue())
        runs.put_back(window_id, "source_unavailable", "503", 60, now, Queue())
        assert runs.queue_windows(world.company.pk, now, Queue()) == []
        now += timedelta(seconds=60)
        assert Window.objects.get().attempt == attempt + 1
    progress = read.run_progress(run.pk)
    assert (progress.unlisted, progress.run.state) == (1, "finished")


def test_a_run_takes_up_what_failed_and_what_waits_but_never_what_is_verified_or_gone(world: World) -> None:
    done, bad, lost, later = world.place(*[world.planned(n) for n in range(4)])
    world.verify(done)
    record.record([failed(bad)], NOW)
    Copy.objects.filter(pk=lost.copy_id).update(state="gone", reason="recording_gone")
    Copy.objects.filter(pk=later.copy_id).update(due_at=NOW + timedelta(hours=4), tries=3)
    assert runs.take_up(world.company.pk, [world.center.pk], SINCE, UNTIL, NOW) == 2
    assert dict(Copy.objects.values_list("pk", "state")) == {
        done.copy_id: "verified",
        bad.copy_id: "pending",
        lost.copy_id: "gone",
        later.copy_id: "pending",
    }
    assert dict(Copy.objects.filter(state="pending").values_list("pk", "tries")) == {bad.copy_id: 1, later.copy_id: 3}
    assert {copy.due_at for copy in Copy.objects.filter(state="pending")} == {NOW}


@pytest.mark.parametrize("minutes", [0, 2])
def test_a_hold_is_told_once_and_probed_on_a_backoff(world: World, minutes: int) -> None:
    company = world.company.pk
    assert holds.open_hold(company, HoldOn.KIND, "voicemail", "source_kind_denied", "", NOW)
    assert not holds.open_hold(company, HoldOn.KIND, "voicemail", "source_kind_denied", "", NOW)
    found = holds.due_probes(NOW + timedelta(minutes=minutes))
    assert len(found) == (1 if minutes else 0)
    assert holds.due_probes(NOW + timedelta(minutes=minutes)) == []


def test_s8_an_outage_is_asked_about_every_five_minutes_and_what_a_person_must_mend_less_and_less_often(world: World) -> None:
    asked = Counter[str]()
    reasons = {HoldOn.SOURCE: "source_away", HoldOn.KIND: "source_kind_denied"}
    for on, reason in reasons.items():
        holds.open_hold(world.company.pk, on, "", reason, "", NOW)
    on_of = {hold.pk: hold.on for hold in holds.open_holds(world.company.pk)}
    for minute in range(121):
        asked.update(reasons[HoldOn(on_of[pk])] for _, pk in holds.due_probes(NOW + timedelta(minutes=minute)))
    assert asked == {"source_away": 24, "source_kind_denied": 4}


def test_a_lifted_hold_may_open_again(world: World) -> None:
    company = world.company.pk
    holds.open_hold(company, HoldOn.SOURCE, "", "source_key_refused", "", NOW)
    assert holds.lift(company, HoldOn.SOURCE, "", NOW)
    assert not holds.lift(company, HoldOn.SOURCE, "", NOW)
    assert holds.open_hold(company, HoldOn.SOURCE, "", "source_key_refused", "", NOW)
