"""With an access window, windows and due copies are handed out as `domain.expiry.turn` says; without one as ever."""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest

from rokuon.domain import expiry
from rokuon.domain.work import Work
from rokuon.ledger import place, runs
from rokuon.ledger.expiry import past_of
from rokuon.ledger.models import Run, Window
from rokuon.ledger.sql import at, ms
from rokuon.org.models import Company
from tests.ledger.factory import NOW, World

DAY = timedelta(days=1)
PAST = NOW - 45 * DAY


def with_window(world: World, days: int | None) -> None:
    Company.objects.filter(pk=world.company.pk).update(access_window_days=days)


def run_with(world: World, windows: Sequence[tuple[datetime, datetime]], purpose: str = "backup_now", scope_id: int = 0) -> Run:
    ids = [world.center.pk]
    run, _ = runs.open_run(world.company.pk, "company", scope_id, ids, NOW - 800 * DAY, NOW, NOW, relist=False, purpose=purpose)
    runs.add_windows(run, [runs.WindowPlan("company", "", (world.center.pk,), *window) for window in windows], NOW)
    return run


def handed_out(world: World) -> Iterator[Window]:
    """Windows in the order in which they are asked for, as each makes room for the next."""
    queued: list[int] = []
    runs.queue_windows(world.company.pk, NOW, queued.append)
    while queued:
        window = Window.objects.get(pk=queued.pop(0))
        yield window
        runs.finish_window(window.pk, NOW, queued.append)


def some_windows(seed: int) -> list[tuple[datetime, datetime]]:
    dice = random.Random(seed)
    starts = [NOW - dice.randrange(1, 400) * DAY for _ in range(10)]
    return [(start, start + timedelta(hours=dice.randrange(1, 29 * 24))) for start in starts] + [
        (PAST - DAY, PAST), (PAST - DAY, PAST + timedelta(milliseconds=1)), (PAST - 2 * DAY, PAST - DAY), (PAST, PAST + DAY)
    ]  # fmt: skip


def turn(window: Window) -> tuple[int, int]:
    return expiry.turn(ms(window.after), ms(window.before) - 1, ms(PAST))


@pytest.mark.parametrize("seed", range(5))
def test_windows_are_handed_out_by_deadline_over_all_runs(world: World, seed: int) -> None:
    with_window(world, 45)
    assert past_of(world.company.pk, NOW) == PAST
    windows = some_windows(seed)
    run_with(world, windows[::2])
    run_with(world, windows[1::2], scope_id=1)
    order = [turn(window) for window in handed_out(world)]
    assert len(order) == len(windows)
    assert order == sorted(order)
    assert {whole for whole, _ in order} == {0, 1}


def test_without_an_access_window_they_are_handed_out_run_by_run_and_newest_first(world: World) -> None:
    assert past_of(world.company.pk, NOW) is None
    windows = some_windows(1)
    run_with(world, windows[::2])
    run_with(world, windows[1::2], scope_id=1)
    found = [(window.run_id, -ms(window.before)) for window in handed_out(world)]
    assert len(found) == len(windows)
    assert found == sorted(found)


def test_sweeps_keep_their_order(world: World) -> None:
    with_window(world, 45)
    run_with(world, [(NOW - (n + 1) * DAY, NOW - n * DAY) for n in (0, 44, 20)], "sweep_35d")
    assert [(NOW - window.before).days for window in handed_out(world)] == [0, 20, 44]


def placed(world: World) -> list[Work]:
    """Due copies of calls around the border and far from it, placed in no order; two of them of one moment."""
    millisecond = timedelta(milliseconds=1)
    starts = [PAST + DAY * n for n in (40, -300, 3, -1, 11, -40, 0)] + [PAST + millisecond, PAST - millisecond, PAST + 3 * DAY]
    return world.place(*[world.planned(number, started_ms=ms(start)) for number, start in enumerate(starts)])


@pytest.mark.parametrize("limit", [1, 3, 500])
@pytest.mark.parametrize("days", [45, None])
def test_due_copies_are_read_by_deadline_each_once_whatever_the_batch(world: World, limit: int, days: int | None) -> None:
    with_window(world, days)
    works, past = placed(world), past_of(world.company.pk, NOW)
    everything = (NOW - 800 * DAY, NOW + DAY)
    for read in (
        lambda beyond: place.due_now(world.company.pk, NOW, past=past, beyond=beyond, limit=limit),
        lambda beyond: place.due_in_range(world.company.pk, [world.center.pk], *everything, NOW, past=past, beyond=beyond, limit=limit),
    ):
        found: list[Work] = []
        while batch := read(found[-1] if found else None):
            found += batch
        if past is None:
            wanted = sorted(works, key=lambda work: work.copy_id)
        else:
            wanted = sorted(works, key=lambda work: (expiry.turn(work.started_ms, work.started_ms, ms(PAST)), work.copy_id))
            assert at(wanted[0].started_ms) == PAST + timedelta(milliseconds=1)
        assert [work.copy_id for work in found] == [work.copy_id for work in wanted]
