"""Whether each day of each target is safe, as the calendar shows it, and the oldest recording that is not."""

from datetime import UTC, date, datetime, timedelta

import pytest

from rokuon.domain.copies import State
from rokuon.domain.work import Outcome, PlannedCall, Unread
from rokuon.ledger import coverage, exclude, failures, overview, place, read, record, unread, unread_closings
from rokuon.ledger.models import Unreadable
from rokuon.ledger.overview import DayState, oldest_unprotected
from rokuon.ledger.sql import at, ms
from tests.ledger.factory import NOW, START_MS, World, failed
from tests.ledger.test_tally import DAY_MS, on_day

FIRST, LAST = date(2026, 9, 20), date(2026, 9, 24)
HOW = "how"


def states_of(world: World, zone: str = "Asia/Tokyo", how: str = HOW) -> list[str]:
    days = overview.calendar(world.company.pk, {world.center.pk: zone}, FIRST, LAST, how)[world.center.pk]
    return [day.state.value for day in days]


def cover(world: World, *days: date, how: str = HOW) -> None:
    coverage.cover([world.center.pk], list(days), how, START_MS + 90 * DAY_MS)


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
    [(State.FAILED, "failed"), (State.GONE, "failed"), (State.EXCLUDED, "complete"), (State.PENDING, "incomplete")],
)
def test_one_copy_decides_over_its_day(world: World, state: State, shown: str) -> None:
    cover(world, *all_days())
    other, work = world.place(on_day(world, 1, 1), on_day(world, 2, 1))
    world.verify(other)
    if state is State.EXCLUDED:
        exclude.exclude_pending([world.center.pk], NOW)
    else:
        record.record([Outcome(work.copy_id, work.attempt, state, "recording_gone", spent=True)], NOW)
    assert states_of(world)[2] == shown


@pytest.mark.parametrize("state", [State.FAILED, State.GONE])
def test_a_day_is_red_until_a_person_has_closed_what_failed_or_was_lost(world: World, state: State) -> None:
    cover(world, *all_days())
    works = world.place(on_day(world, 1, 1), on_day(world, 2, 1))
    record.record([Outcome(work.copy_id, work.attempt, state, "recording_gone", spent=True) for work in works], NOW)
    for number, shown in ((0, "failed"), (1, "failed"), (2, "complete")):
        assert states_of(world)[2] == shown
        if number < 2:
            failures.close([works[number].copy_id], "lost", "ann", NOW + timedelta(hours=1))
    days = overview.calendar(world.company.pk, {world.center.pk: "Asia/Tokyo"}, FIRST, LAST, HOW)[world.center.pk]
    assert [day.closed for day in days] == [0, 0, 2, 0, 0]
    failures.reopen(world.company.pk, None, failures.Which(ids=[works[0].copy_id]))
    assert states_of(world)[2] == "failed"


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
    coverage.cover([world.center.pk], [first, first + timedelta(days=1)], HOW, START_MS + 90 * DAY_MS)
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


def unread_entry(world: World, target: int | None, after_ms: int, before_ms: int) -> None:
    unread.enter(world.company.pk, [Unread(target, f"m{after_ms}", "no start", after_ms, before_ms)], [], NOW)


def test_a_day_with_an_entry_that_could_not_be_read_is_not_complete_until_somebody_explains_it(world: World) -> None:
    cover(world, *all_days())
    world.verify(*world.place(on_day(world, 1, 0)))
    start = ms(datetime(2026, 9, 21, 3, tzinfo=UTC))
    unread_entry(world, world.center.pk, start, start + 1)
    assert states_of(world) == ["empty", "incomplete", "empty", "empty", "empty"]
    unread_closings.close([Unreadable.objects.get().pk], "known", "Emi", NOW)
    assert states_of(world) == ["empty", "complete", "empty", "empty", "empty"]


def test_an_entry_of_no_known_target_and_start_keeps_each_day_of_each_target_open(world: World) -> None:
    cover(world, *all_days())
    midnight = ms(datetime(2026, 9, 21, tzinfo=UTC))
    unread_entry(world, None, midnight, midnight + 2 * DAY_MS)
    assert states_of(world, "UTC") == ["empty", "incomplete", "incomplete", "empty", "empty"]
    assert states_of(world, "Asia/Tokyo") == ["empty", "incomplete", "incomplete", "incomplete", "empty"]


def test_anothers_entry_and_one_of_other_days_leave_the_calendar_as_it_is(world: World) -> None:
    cover(world, *all_days())
    start = ms(datetime(2026, 9, 21, tzinfo=UTC))
    unread_entry(world, world.other.pk, start, start + 1)
    unread_entry(world, world.center.pk, start - 90 * DAY_MS, start - 80 * DAY_MS)
    assert states_of(world) == ["empty"] * 5
