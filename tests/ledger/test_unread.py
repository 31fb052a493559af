"""Entries of a list that could not be read: each is kept once, makes only its own day open, and leaves when it is cured."""

from datetime import timedelta

import pytest

from rokuon.domain import windows
from rokuon.domain.ports import TimeRange
from rokuon.domain.work import Unread
from rokuon.ledger import coverage, unread
from rokuon.ledger.models import Unreadable
from rokuon.ledger.sql import ms
from tests.ledger.factory import NOW, START_MS, World

DAY = windows.DAY_MS
FIRST = windows.day_start_ms(windows.day_of(START_MS))
WINDOW = TimeRange(FIRST, FIRST + 29 * DAY)
LATER = NOW + timedelta(hours=1)


def entry(world: World | None = None, number: int = 1, after_ms: int = FIRST + 10 * DAY + 5, before_ms: int | None = None) -> Unread:
    target = world.center.pk if world else None
    return Unread(target, f"c{number}//", "no start", after_ms, before_ms or after_ms + 1, f"c{number}")


def marks(world: World) -> list[str]:
    return sorted(unread.find(world.company.pk, None).values_list("mark", flat=True))


def sealed(world: World, target_id: int) -> int:
    coverage.cover([world.center.pk, world.other.pk], windows.whole_days(WINDOW), "f", ms(NOW))
    return len(coverage.sealed_days([target_id], "f")[target_id])


def test_however_many_listings_hold_an_entry_it_is_one(world: World) -> None:
    for _ in range(3):
        unread.enter(world.company.pk, [entry(), entry()], [], NOW)
    assert unread.count(unread.find(world.company.pk, None)) == 1


def test_an_entry_keeps_only_its_own_day_of_its_own_target_open(world: World) -> None:
    closed = [day for day in range(29) if FIRST + (day + 36) * DAY <= ms(NOW)]
    unread.enter(world.company.pk, [entry(world)], [], NOW)
    assert sealed(world, world.center.pk) == len(closed) - 1
    assert sealed(world, world.other.pk) == len(closed)


def test_an_entry_of_no_known_target_keeps_its_day_open_for_each(world: World) -> None:
    unread.enter(world.company.pk, [entry()], [], NOW)
    assert sealed(world, world.center.pk) == sealed(world, world.other.pk)
    assert (world.other.pk, windows.day_of(FIRST + 10 * DAY)) in unread.open_days([world.other.pk], windows.whole_days(WINDOW))


def test_an_entry_is_cured_when_its_call_is_read(world: World) -> None:
    unread.enter(world.company.pk, [entry(number=1), entry(number=2)], [], NOW)
    unread.enter(world.company.pk, [], ["c1"], LATER)
    assert marks(world) == ["c2//"]


def test_of_a_calls_recordings_those_that_are_read_by_now_are_cured(world: World) -> None:
    parts = [Unread(world.center.pk, f"c1/hologram/{n}/1", "a recording of an unknown kind", FIRST, FIRST + 1, "c1") for n in (1, 2)]
    unread.enter(world.company.pk, parts, [], NOW)
    unread.enter(world.company.pk, parts[:1], [], LATER)
    assert marks(world) == ["c1/hologram/1/1"]


def test_an_entry_is_cured_when_its_day_is_listed_without_it_and_not_by_the_listing_that_held_it(world: World) -> None:
    unread.enter(world.company.pk, [entry()], [], NOW)
    unread.listed(world.company.pk, [world.center.pk], WINDOW, NOW, whole_company=True)
    assert marks(world) == ["c1//"]
    unread.listed(world.company.pk, [world.center.pk], WINDOW, LATER, whole_company=True)
    assert marks(world) == []


@pytest.mark.parametrize("beside", [TimeRange(WINDOW.after_ms - DAY, WINDOW.after_ms), TimeRange(WINDOW.before_ms, WINDOW.before_ms + DAY)])
def test_a_listing_of_other_days_cures_nothing(world: World, beside: TimeRange) -> None:
    unread.enter(world.company.pk, [entry()], [], NOW)
    unread.listed(world.company.pk, [world.center.pk], beside, LATER, whole_company=True)
    assert marks(world) == ["c1//"]


def test_a_listing_of_one_target_cures_neither_anothers_entry_nor_one_of_no_known_target(world: World) -> None:
    unread.enter(world.company.pk, [entry(world, 1), entry(None, 2)], [], NOW)
    unread.listed(world.company.pk, [world.other.pk], WINDOW, LATER, whole_company=False)
    assert marks(world) == ["c1//", "c2//"]
    unread.listed(world.company.pk, [world.center.pk], WINDOW, LATER, whole_company=False)
    assert marks(world) == ["c2//"]


def test_an_entry_that_may_lie_on_both_sides_of_a_border_is_cured_when_both_were_listed(world: World) -> None:
    border = FIRST + 5 * DAY
    unread.enter(world.company.pk, [entry(after_ms=border - 1000, before_ms=border + 1000)], [], NOW)
    unread.listed(world.company.pk, [], TimeRange(border, border + DAY), LATER, whole_company=True)
    (left,) = Unreadable.objects.all()
    assert (ms(left.after), ms(left.before)) == (border - 1000, border)
    unread.listed(world.company.pk, [], TimeRange(border - DAY, border), LATER, whole_company=True)
    assert marks(world) == []


def test_a_narrower_time_replaces_a_wider_one_and_never_the_other_way_round(world: World) -> None:
    for after, before in ((FIRST, FIRST + 29 * DAY), (FIRST + DAY, FIRST + DAY + 1000), (FIRST, FIRST + 9 * DAY)):
        unread.enter(world.company.pk, [entry(after_ms=after, before_ms=before)], [], NOW)
    (kept,) = Unreadable.objects.all()
    assert ms(kept.before) - ms(kept.after) == 1000


def test_whose_an_entry_is_once_known_stays_known(world: World) -> None:
    unread.enter(world.company.pk, [entry()], [], NOW)
    unread.enter(world.company.pk, [entry(world)], [], NOW)
    unread.enter(world.company.pk, [entry()], [], LATER)
    (kept,) = Unreadable.objects.all()
    assert (kept.target_id, kept.seen_at) == (world.center.pk, LATER)


def test_anothers_entries_are_not_counted(world: World) -> None:
    other = World("Other")
    unread.enter(world.company.pk, [entry(world, 1), entry(None, 2)], [], NOW)
    assert unread.count(unread.find(other.company.pk, None)) == 0
    assert unread.count(unread.find(world.company.pk, [world.other.pk])) == 1
    assert unread.count(unread.find(world.company.pk, [world.center.pk])) == 2
    assert not unread.find(world.company.pk, [world.other.pk], of_nobody=False).exists()
