"""Which days need no second look (docs/design/ledger.md)."""

from datetime import date, timedelta

from rokuon.domain import windows
from rokuon.domain.work import PlannedCall, Unread
from rokuon.ledger import coverage, place, unread
from rokuon.ledger.sql import ms
from tests.ledger.factory import NOW, START_MS, World

OLD, YOUNG = date(2026, 9, 1), date(2026, 11, 20)


def sealed(world: World, fingerprint: str = "f") -> set[date]:
    return coverage.sealed_days([world.center.pk], fingerprint)[world.center.pk]


def test_an_old_day_seals_and_a_young_one_does_not(world: World) -> None:
    coverage.cover([world.center.pk], [OLD, YOUNG], "f", ms(NOW))
    assert sealed(world) == {OLD}


def test_a_day_listed_with_an_unreadable_item_does_not_seal(world: World) -> None:
    start = windows.day_start_ms(OLD)
    unread.enter(world.company.pk, [Unread(world.center.pk, "c1//", "no start", start, start + 1, "c1")], [], NOW)
    coverage.cover([world.center.pk], [OLD, OLD + timedelta(days=1)], "f", ms(NOW))
    assert sealed(world) == {OLD + timedelta(days=1)}


def test_a_day_with_a_recorded_call_without_recordings_does_not_seal_until_they_appear(world: World) -> None:
    day = windows.day_of(START_MS)
    call = PlannedCall(world.center.pk, "c1", START_MS, True, 0)
    place.place(world.company.pk, [call], [], NOW)
    coverage.cover([world.center.pk, world.other.pk], [day], "f", ms(NOW))
    assert sealed(world) == set()
    assert coverage.sealed_days([world.other.pk], "f")[world.other.pk] == {day}
    place.place(world.company.pk, [PlannedCall(world.center.pk, "c1", START_MS, True, 1)], [], NOW)
    coverage.cover([world.center.pk], [day], "f", ms(NOW + timedelta(minutes=1)))
    assert sealed(world) == {day}


def test_another_fingerprint_voids_what_was_listed(world: World) -> None:
    coverage.cover([world.center.pk], [OLD], "f", ms(NOW))
    assert sealed(world, "other") == set()


def test_a_slow_older_listing_does_not_overwrite_a_newer_one(world: World) -> None:
    coverage.cover([world.center.pk], [OLD], "new", ms(NOW))
    coverage.cover([world.center.pk], [OLD], "old", ms(NOW - timedelta(hours=1)))
    assert sealed(world, "new") == {OLD}


def test_voided_coverage_is_listed_again(world: World) -> None:
    coverage.cover([world.center.pk], [OLD], "f", ms(NOW))
    coverage.void([world.center.pk])
    assert sealed(world) == set()
