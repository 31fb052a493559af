"""Whether each day of each target is safe, as the calendar shows it, and the oldest recording that is not."""

from datetime import date, timedelta

import pytest

from rokuon.domain.copies import State
from rokuon.domain.work import Outcome, PlannedCall
from rokuon.ledger import coverage, overview, place, read, record
from rokuon.ledger.overview import DayState, oldest_unprotected
from rokuon.ledger.sql import at
from tests.ledger.factory import NOW, START_MS, World, failed, verified
from tests.ledger.test_tally import DAY_MS, on_day

FIRST, LAST = date(2026, 9, 20), date(2026, 9, 24)
HOW = "how"


def states_of(world: World, zone: str = "Asia/Tokyo", how: str = HOW) -> list[str]:
    days = overview.calendar(world.company.pk, {world.center.pk: zone}, FIRST, LAST, how)[world.center.pk]
    return [day.state.value for day in days]


def cover(world: World, *days: date, how: str = HOW) -> None:
    coverage.cover([world.center.pk], list(days), how, START_MS + 90 * DAY_MS, complete=True)


def all_days() -> list[date]:
    return [FIRST + timedelta(days=number) for number in range(-1, 7)]


def test_nothing_is_said_of_days_that_were_never_listed(world: World) -> None:
    assert states_of(world) == ["unlisted"] * 5


def test_a_listed_day_is_complete_with_recordings_and_empty_without(world: World) -> None:
    cover(world, *all_days())
    world.verify(*world.place(on_day(world, 1, 0)))
    assert states_of(world) == ["empty", "complete", "empty", "empty", "empty"]


@pytest.mark.parametrize(
    ("state", "shown"),
    [(State.FAILED, "failed"), (State.GONE, "complete"), (State.EXCLUDED, "complete"), (State.PENDING, "incomplete")],
)
def test_one_copy_decides_over_its_day(world: World, state: State, shown: str) -> None:
    cover(world, *all_days())
    other, work = world.place(on_day(world, 1, 1), on_day(world, 2, 1))
    record.record([verified(other), Outcome(work.copy_id, work.attempt, state, "recording_gone", spent=True)], NOW)
    assert states_of(world)[2] == shown


def test_a_failure_shows_on_a_day_that_was_not_listed_whole(world: World) -> None:
    (work,) = world.place(on_day(world, 1, 1))
    record.record([failed(work)], NOW)
    assert states_of(world) == ["unlisted", "unlisted", "failed", "unlisted", "unlisted"]


def test_a_verified_recording_does_not_make_an_unlisted_day_complete(world: World) -> None:
    world.verify(*world.place(on_day(world, 1, 1)))
    assert states_of(world)[2] == "unlisted"


def test_a_local_day_is_listed_when_both_utc_days_that_it_touches_are(world: World) -> None:
    """22 September in Tokyo runs from 21 September 15:00 UTC to 22 September 15:00 UTC."""
    cover(world, date(2026, 9, 22))
    assert states_of(world) == ["unlisted"] * 5
    assert states_of(world, "UTC")[2] == "empty"
    cover(world, date(2026, 9, 21))
    assert states_of(world) == ["unlisted", "unlisted", "empty", "unlisted", "unlisted"]


def test_a_listing_made_in_another_way_counts_for_nothing(world: World) -> None:
    cover(world, *all_days(), how="without voicemail")
    assert states_of(world) == ["unlisted"] * 5


def test_a_recorded_call_with_nothing_to_fetch_keeps_its_local_day_open(world: World) -> None:
    cover(world, *all_days())
    late = START_MS // DAY_MS * DAY_MS + 16 * 3_600_000  # 21 September in UTC, 22 September in Tokyo
    place.place(world.company.pk, [PlannedCall(world.center.pk, "c1", late, True, 0)], [], NOW)
    days = overview.calendar(world.company.pk, {world.center.pk: "Asia/Tokyo", world.other.pk: "UTC"}, FIRST, LAST, HOW)
    assert [(day.state, day.unnamed) for day in days[world.center.pk]][2] == (DayState.INCOMPLETE, 1)
    assert sum(day.unnamed for of_target in days.values() for day in of_target) == 1
    assert read.details_missing(world.company.pk, [world.other.pk]) == {}
    assert read.details_missing(world.company.pk, [world.center.pk]) == {world.center.pk: 1}


def test_a_day_of_25_hours_is_one_day(world: World) -> None:
    """25 October 2026 in Berlin ends at 23:00 UTC, after 25 hours."""
    first = date(2026, 10, 24)
    coverage.cover([world.center.pk], [first, first + timedelta(days=1)], HOW, START_MS + 90 * DAY_MS, complete=True)
    late = int(at(0).replace(year=2026, month=10, day=25, hour=22, minute=30).timestamp() * 1000)
    place.place(world.company.pk, [PlannedCall(world.center.pk, "c1", late, True, 0)], [], NOW)
    days = overview.calendar(world.company.pk, {world.center.pk: "Europe/Berlin"}, first, first + timedelta(days=1), HOW)
    assert [day.unnamed for day in days[world.center.pk]] == [0, 1]
    assert days[world.center.pk][1].state is DayState.INCOMPLETE


def test_the_oldest_unprotected_recording_is_of_the_targets_asked_for(world: World) -> None:
    assert oldest_unprotected([world.center.pk]) is None
    newer, older = world.place(on_day(world, 1, 3), on_day(world, 2, 1))
    (others,) = world.place(on_day(world, 3, 0, world.other))
    found = oldest_unprotected([world.center.pk])
    assert found is not None
    assert (found.target_id, found.call_started_at) == (world.center.pk, at(older.started_ms))
    everything = oldest_unprotected([world.center.pk, world.other.pk])
    assert everything is not None and everything.call_started_at == at(others.started_ms)
    world.verify(older, others)
    record.record([failed(newer)], NOW)
    failing = oldest_unprotected([world.center.pk, world.other.pk])
    assert failing is not None and failing.call_started_at == at(newer.started_ms), "failed is as unprotected as pending"
