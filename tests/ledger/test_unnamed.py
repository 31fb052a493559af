"""Calls that were recorded although no recording is listed: named, closed, re-opened, gone by themselves (issue 9, line 20)."""

from datetime import date, timedelta

from rokuon.domain import windows
from rokuon.domain.work import PlannedCall, Unread
from rokuon.ledger import coverage, health, place, read, unnamed, unread
from rokuon.ledger.models import Call
from rokuon.ledger.sql import at, ms
from tests.ledger.factory import NOW, START_MS, World

DAY = windows.day_of(START_MS)


def listed(world: World, *numbers: int, recordings: int = 0) -> None:
    """Recorded calls, a minute apart, with so many recordings each."""
    planned = [PlannedCall(world.center.pk, f"c{number}", START_MS + 60_000 * number, True, recordings) for number in numbers]
    place.place(world.company.pk, planned, [], NOW)


def cover(world: World, minutes: int = 0) -> None:
    coverage.cover([world.center.pk], [DAY], "f", ms(NOW + timedelta(minutes=minutes)))


def sealed(world: World) -> set[date]:
    return coverage.sealed_days([world.center.pk], "f")[world.center.pk]


def ids(*call_ids: str) -> list[int]:
    return list(Call.objects.filter(call_id__in=call_ids).values_list("pk", flat=True))


def names(world: World) -> list[str]:
    return [call.call_id for call in unnamed.still_open(unnamed.calls(world.company.pk, None))]


def test_each_is_named_the_newest_first_within_the_targets_asked_for(world: World) -> None:
    listed(world, 1, 2)
    listed(world, 3, recordings=1)
    assert names(world) == ["c2", "c1"]
    assert not unnamed.calls(world.company.pk, [world.other.pk])
    (_newest, call) = unnamed.calls(world.company.pk, [world.center.pk])
    assert (call.started_at, call.target.office.name) == (at(START_MS + 60_000), "Tokyo")
    assert not unnamed.calls(World("Zenith").company.pk, None)


def test_a_closed_call_no_longer_keeps_its_day_from_sealing(world: World) -> None:
    listed(world, 1, 2)
    cover(world)
    assert unnamed.close(ids("c1"), "a test call", "ann", NOW) == 1
    assert sealed(world) == set(), "another call of the day is unexplained"
    assert unnamed.close(ids("c2"), "another", "ann", NOW) == 1
    assert sealed(world) == {DAY}, "without a new listing"
    assert read.details_missing(world.company.pk) == {}
    assert health.unnamed([world.center.pk], None, NOW) == []


def test_closed_holds_however_often_the_call_is_listed_again(world: World) -> None:
    listed(world, 1)
    unnamed.close(ids("c1"), "a test call", "ann", NOW)
    for minutes in (1, 2):
        listed(world, 1)
        cover(world, minutes)
        assert (names(world), sealed(world)) == ([], {DAY})
    assert unnamed.explained(unnamed.calls(world.company.pk, None)).get().closing.note == "a test call"


def test_a_day_with_an_entry_that_could_not_be_read_is_not_sealed_by_closing_its_calls(world: World) -> None:
    listed(world, 1)
    unread.enter(world.company.pk, [Unread(world.center.pk, "c9//", "no start", START_MS, START_MS + 1, "c9")], [], NOW)
    cover(world)
    unnamed.close(ids("c1"), "a test call", "ann", NOW)
    assert sealed(world) == set()


def test_a_day_that_was_listed_too_soon_after_it_is_not_sealed_by_closing_its_calls(world: World) -> None:
    listed(world, 1)
    coverage.cover([world.center.pk], [DAY], "f", ms(at(START_MS)) + 3 * windows.DAY_MS)
    unnamed.close(ids("c1"), "a test call", "ann", NOW)
    assert sealed(world) == set()


def test_a_call_that_is_reopened_opens_its_day(world: World) -> None:
    listed(world, 1)
    cover(world)
    unnamed.close(ids("c1"), "a test call", "ann", NOW)
    assert unnamed.reopen(ids("c1")) == 1
    assert (names(world), sealed(world)) == (["c1"], set())
    assert unnamed.reopen(ids("c1")) == 0


def test_a_call_leaves_by_itself_when_a_recording_is_listed_closed_or_not(world: World) -> None:
    listed(world, 1, 2)
    unnamed.close(ids("c1"), "a test call", "ann", NOW)
    world.place(world.planned(1), world.planned(2))
    assert not unnamed.calls(world.company.pk, None)
    assert unnamed.close(ids("c1", "c2"), "late", "ann", NOW) == 0, "there is nothing to explain any more"


def test_the_key_is_known_to_list_recordings_only_by_what_came_since_it_was_entered(world: World) -> None:
    assert not unnamed.recordings_listed_since(world.company.pk, None)
    world.place(world.planned(1))
    assert unnamed.recordings_listed_since(world.company.pk, None)
    assert unnamed.recordings_listed_since(world.company.pk, NOW)
    assert not unnamed.recordings_listed_since(world.company.pk, NOW + timedelta(seconds=1))
