"""A paused run: its windows are handed back, its copies wait, and nothing of it is lost (M11)."""

from datetime import UTC, datetime, timedelta

from rokuon.domain.failures import HoldOn
from rokuon.domain.pace import CurrentBudget
from rokuon.ledger import history, holds, place, read, runs, throughput, waiting
from rokuon.ledger.models import Copy, Run, Window
from rokuon.ledger.tally import Counts
from tests.ledger.factory import NOW, START_MS, World, states
from tests.ledger.test_runs import SINCE, UNTIL, Queue, open_run

BUDGET = CurrentBudget(1_000, 1)
CALLED = datetime.fromtimestamp(START_MS / 1000, UTC)


def due(world: World) -> tuple[int, list[int]]:
    """What the company's own job would try now, and whether the tick would ask for that job."""
    return len(place.due_now(world.company.pk, NOW)), read.companies_with_due_copies(NOW)


def test_a_paused_run_hands_its_windows_back_at_their_marks_and_none_is_queued(world: World) -> None:
    run = open_run(world, 3)
    (first, *_) = runs.queue_windows(world.company.pk, NOW, Queue())
    mark = UNTIL - timedelta(days=3)
    runs.advance(first, mark, 1, 50)
    assert runs.pause(run.pk, NOW)
    assert set(Window.objects.values_list("state", flat=True)) == {"paused"}
    assert runs.queue_windows(world.company.pk, NOW, Queue()) == []
    assert Window.objects.get(pk=first).listed_down_to == mark


def test_a_window_that_somebody_is_about_to_queue_stays_paused(world: World) -> None:
    """The row's own state stops it, whatever the queue's statement saw of the run before."""
    run = open_run(world, 1)
    runs.pause(run.pk, NOW)
    Run.objects.filter(pk=run.pk).update(state="running")
    assert runs.queue_windows(world.company.pk, NOW, Queue()) == []


def test_a_page_that_arrives_after_the_pause_is_not_entered(world: World) -> None:
    run = open_run(world, 1)
    (window,) = runs.queue_windows(world.company.pk, NOW, Queue())
    runs.pause(run.pk, NOW)
    assert not runs.advance(window, SINCE, 1, 50)
    runs.finish_window(window, NOW, Queue())
    assert (Window.objects.get().state, Run.objects.get().state) == ("paused", "paused")


def test_a_resumed_run_goes_on_where_it_stood(world: World) -> None:
    run = open_run(world, 2)
    runs.queue_windows(world.company.pk, NOW, Queue())
    runs.pause(run.pk, NOW)
    assert runs.resume(run.pk, NOW)
    queue = Queue()
    assert len(runs.queue_windows(world.company.pk, NOW, queue)) == len(queue.windows) == 2
    resumed = Run.objects.get(pk=run.pk)
    assert (resumed.state, resumed.paused_at) == ("running", None)


def test_what_is_not_running_is_not_paused_and_what_is_not_paused_is_not_resumed(world: World) -> None:
    run = open_run(world, 1)
    assert not runs.resume(run.pk, NOW)
    assert runs.pause(run.pk, NOW)
    assert not runs.pause(run.pk, NOW)
    runs.cancel(run.pk, NOW)
    assert not runs.pause(run.pk, NOW)
    assert not runs.resume(run.pk, NOW)


def test_a_second_run_of_a_paused_scope_joins_it(world: World) -> None:
    run = open_run(world, 1)
    runs.pause(run.pk, NOW)
    again, started = runs.open_run(world.company.pk, "company", 0, [world.center.pk], SINCE, UNTIL, NOW, relist=False)
    assert (again.pk, started) == (run.pk, False)


def test_a_paused_run_does_not_end_and_can_be_cancelled(world: World) -> None:
    world.place(world.planned(1))
    run = open_run(world, 0)
    runs.pause(run.pk, NOW)
    runs.end_done(world.company.pk, NOW)
    assert Run.objects.get(pk=run.pk).state == "paused"
    assert runs.cancel(run.pk, NOW)
    assert states() == {"excluded": 1}


def test_copies_of_a_paused_run_wait_retries_too_and_those_of_other_targets_do_not(world: World) -> None:
    world.place(world.planned(1), world.planned(2, world.other))
    assert due(world) == (2, [world.company.pk])
    run = open_run(world, 0)
    runs.pause(run.pk, NOW)
    assert [work.target_id for work in place.due_now(world.company.pk, NOW)] == [world.other.pk]
    Copy.objects.filter(target=world.other).update(state="excluded", reason="test")
    assert due(world) == (0, [])
    runs.resume(run.pk, NOW)
    assert due(world) == (1, [world.company.pk])


def test_copies_outside_the_range_of_a_paused_run_do_not_wait(world: World) -> None:
    world.place(world.planned(1))
    run = open_run(world, 0)
    Run.objects.filter(pk=run.pk).update(since=CALLED + timedelta(days=1))
    runs.pause(run.pk, NOW)
    assert due(world) == (1, [world.company.pk])


def test_what_a_running_run_wants_too_goes_on(world: World) -> None:
    world.place(world.planned(1))
    run = open_run(world, 0)
    runs.open_run(world.company.pk, "callcenter", world.center.pk, [world.center.pk], SINCE, UNTIL, NOW, relist=False)
    runs.pause(run.pk, NOW)
    assert due(world) == (1, [world.company.pk])


def test_a_cancel_leaves_what_a_paused_run_still_wants(world: World) -> None:
    world.place(world.planned(1))
    run = open_run(world, 0)
    other, _ = runs.open_run(world.company.pk, "callcenter", world.center.pk, [world.center.pk], SINCE, UNTIL, NOW, relist=False)
    runs.pause(run.pk, NOW)
    runs.cancel(other.pk, NOW)
    assert states() == {"pending": 1}
    assert due(world) == (0, [])


def test_the_rate_is_what_was_verified_of_late_of_the_targets_of_the_run(world: World) -> None:
    other, *works = world.place(*[world.planned(n) for n in range(4)], world.planned(9, world.other))
    run = open_run(world, 1, NOW - timedelta(hours=1))
    world.verify(works[0], works[1], other)
    assert throughput.rate(run, NOW) == throughput.Rate(2 / 30, 20 / 30)
    assert throughput.rate(run, NOW, {world.other.pk}) == throughput.Rate(0, 0)
    runs.pause(run.pk, NOW)
    assert throughput.rate(Run.objects.get(), NOW) == throughput.Rate(0, 0)


def test_time_left_counts_what_is_not_listed_yet_like_what_was(world: World) -> None:
    world.place(world.planned(0), now=NOW - timedelta(days=1))
    run = open_run(world, 4, NOW - timedelta(seconds=10))
    first, *_ = world.place(*[world.planned(n) for n in (1, 2, 3)])
    (window, *_) = runs.queue_windows(world.company.pk, NOW, Queue())
    unknown = throughput.seconds_left(read.run_progress(run.pk), throughput.Rate(1, 1), BUDGET, 0)
    assert unknown is not None
    assert unknown.seconds is None, "nothing is listed"
    runs.finish_window(window, NOW, Queue())
    world.verify(first)
    # Pending are one from before and two new ones; of the new ones three quarters of the range are still to be found.
    progress = read.run_progress(run.pk)
    assert (progress.found, progress.total.pending) == (3, 3)
    assert round(progress.listed.ahead(3)) == 9
    left = throughput.seconds_left(progress, throughput.Rate(0.5, 1), BUDGET, 0)
    assert left is not None
    assert round(left.seconds or 0) == (3 + 3 * 3) / 0.5
    assert left.more
    runs.pause(run.pk, NOW)
    assert throughput.seconds_left(read.run_progress(run.pk), throughput.Rate(1, 1), BUDGET, 0) is None, "what is paused has no time left"


def test_what_waits_for_a_hold_or_a_later_try_is_not_to_be_done_now(world: World) -> None:
    works = world.place(*[world.planned(n) for n in range(5)])
    Copy.objects.filter(pk=works[0].copy_id).update(due_at=NOW + timedelta(hours=1))
    (later,) = waiting.stopped(world.company.pk, [world.center.pk], NOW)
    assert (later.reason, later.copies, later.held, later.next_at) == ("", 1, False, NOW + timedelta(hours=1))
    assert waiting.stopped(world.company.pk, [world.other.pk], NOW) == []
    holds.open_hold(world.company.pk, HoldOn.KIND, works[0].kind, "source_kind_denied", "", NOW)
    (held,) = waiting.stopped(world.company.pk, [world.center.pk], NOW)
    assert (held.reason, held.copies, held.held) == ("source_kind_denied", 5, True)
    assert held.next_at == holds.open_holds(world.company.pk)[0].probe_at


def test_an_ended_run_keeps_what_it_came_to(world: World) -> None:
    one, two = world.place(world.planned(1), world.planned(2, world.other))
    run = open_run(world, 0)
    Run.objects.update(targets=[world.center.pk, world.other.pk])
    world.verify(one, two)
    runs.end_done(world.company.pk, NOW)
    Copy.objects.filter(pk=one.copy_id).update(state="failed", reason="test")
    run.refresh_from_db()
    assert history.outcome(run) == Counts(verified=2, bytes=20, recorded_ms=2000)
    assert history.outcome(run, {world.center.pk}) == Counts(verified=1, bytes=10, recorded_ms=1000)
