"""What waits is named by cause, with the time of its next try or what holds it (issue 9, line 19)."""

from datetime import datetime, timedelta

from rokuon.domain.failures import HoldOn
from rokuon.ledger import failures, holds, next_try, runs, search
from rokuon.ledger.models import Copy
from rokuon.ledger.next_try import QUEUED, Stops, WaitingCause
from rokuon.ledger.search import CopyFilters, Within
from tests.ledger.factory import NOW, World

LATER = NOW + timedelta(hours=3)


def waits(world: World, *numbers: int, reason: str = "recording_truncated", due: datetime = LATER) -> None:
    world.place(*(world.planned(number) for number in numbers))
    Copy.objects.filter(recording__recording_id__in=[f"r{number}" for number in numbers]).update(reason=reason, due_at=due, tries=1)


def causes(world: World) -> dict[str, WaitingCause]:
    return {one.reason: one for one in next_try.causes(world.company.pk, None)}


def stands(world: World, number: int) -> next_try.Next | None:
    return Stops(world.company.pk).next_try(Copy.objects.select_related("recording").get(recording__recording_id=f"r{number}"))


def test_a_cause_says_when_the_first_of_it_is_tried_next(world: World) -> None:
    waits(world, 1, 2)
    waits(world, 3, due=NOW + timedelta(hours=1))
    world.place(world.planned(4))
    found = causes(world)
    assert list(found) == ["recording_truncated", QUEUED], "what failed before comes first"
    one = found["recording_truncated"]
    assert (one.copies, one.held, one.paused, one.next_at) == (3, 0, 0, NOW + timedelta(hours=1))
    assert one.targets == ((world.center.pk, 3),)
    assert next_try.causes(world.company.pk, [world.other.pk]) == []


def test_what_a_hold_stops_has_no_time_but_the_hold(world: World) -> None:
    waits(world, 1)
    world.place(world.planned(2, kind="voicemail"))
    holds.open_hold(world.company.pk, HoldOn.KIND, "callrecording", "source_kind_denied", "", NOW)
    found = causes(world)
    assert (found["recording_truncated"].held, found["recording_truncated"].next_at) == (1, None)
    assert found[QUEUED].held == 0
    held, free = stands(world, 1), stands(world, 2)
    assert held is not None
    assert held.hold is not None
    assert (held.hold.reason, held.at) == ("source_kind_denied", None)
    assert free == next_try.Next(at=NOW)


def test_what_a_paused_run_stops_names_the_run_unless_another_runs(world: World) -> None:
    waits(world, 1)
    start = NOW - timedelta(days=400)
    run, _new = runs.open_run(world.company.pk, "company", 0, [world.center.pk], start, NOW, NOW, relist=False)
    runs.pause(run.pk, NOW)
    assert causes(world)["recording_truncated"].paused == 1
    assert stands(world, 1) == next_try.Next(paused=run.pk)
    runs.open_run(world.company.pk, "office", world.office.pk, [world.center.pk], start, NOW, NOW, relist=False)
    assert causes(world)["recording_truncated"].paused == 0
    assert stands(world, 1) == next_try.Next(at=LATER)


def test_the_list_holds_whatever_is_neither_verified_nor_excluded_what_failed_first(world: World) -> None:
    world.place(world.planned(5))
    waits(world, 4)
    (work,) = world.place(world.planned(1))
    world.verify(work)
    for number, state in ((2, "gone"), (3, "failed"), (6, "excluded")):
        world.place(world.planned(number))
        Copy.objects.filter(recording__recording_id=f"r{number}").update(state=state, reason="recording_forbidden", due_at=None)
    listed = [copy.recording.recording_id for copy in failures.copies(world.company.pk, None)]
    assert listed == ["r3", "r2", "r4", "r5"]
    assert [copy.recording.recording_id for copy in failures.copies(world.company.pk, None, reason="recording_truncated")] == ["r4"]
    assert [copy.recording.recording_id for copy in failures.copies(world.company.pk, None, reason=QUEUED)] == ["r5"]
    assert [copy.recording.recording_id for copy in failures.copies(world.company.pk, None, state="pending")] == ["r4", "r5"]


def test_the_search_finds_what_is_queued_and_nothing_else_for_it(world: World) -> None:
    waits(world, 1)
    (three, _two) = world.place(world.planned(2), world.planned(3))
    world.verify(three)
    within = [Within(world.center.pk), Within(world.other.pk)]
    for filters in (CopyFilters(reason=QUEUED), CopyFilters(state="pending", reason=QUEUED), CopyFilters(reason=QUEUED, agent="ann")):
        assert [copy.recording.recording_id for copy in search.find(world.company.pk, within, filters).copies] == ["r2"]
    assert search.find(world.company.pk, within, CopyFilters(state="failed", reason=QUEUED)).copies == []
