"""A person's word on an entry that Dialpad never mends: it holds through listings, seals the day, and leaves with the entry."""

from datetime import timedelta

import pytest

from rokuon.domain import windows
from rokuon.domain.work import Unread
from rokuon.ledger import coverage, unread, unread_closings
from rokuon.ledger.models import Unreadable
from rokuon.ledger.sql import ms
from tests.ledger.factory import NOW, World
from tests.ledger.test_unread import DAY, FIRST, LATER, WINDOW, entry, marks

DAYS = windows.whole_days(WINDOW)


def ids(world: World) -> list[int]:
    return list(unread.find(world.company.pk, None).values_list("pk", flat=True))


def open_marks(world: World) -> int:
    return unread.count(unread.still_open(unread.find(world.company.pk, None)))


def listed(world: World, *entries: Unread) -> None:
    unread.enter(world.company.pk, entries, [], NOW)
    coverage.cover([world.center.pk, world.other.pk], DAYS, "f", ms(NOW))


def sealed(world: World) -> int:
    return sum(len(days) for days in coverage.sealed_days([world.center.pk, world.other.pk], "f").values())


@pytest.mark.parametrize("known", [True, False])
def test_a_closed_entry_keeps_no_day_open_and_one_that_is_re_opened_does(world: World, known: bool) -> None:
    listed(world)
    whole = sealed(world)
    listed(world, entry(world if known else None, after_ms=FIRST + 5))
    lacking = sealed(world)
    assert lacking == whole - (1 if known else 2), "an entry of no known target concerns each"
    assert unread_closings.close(ids(world), "a test call", "Emi", NOW) == 1
    assert (sealed(world), open_marks(world)) == (whole, 0)
    coverage.cover([world.center.pk, world.other.pk], DAYS, "f", ms(NOW))
    assert sealed(world) == whole, "a later listing seals it too"
    assert unread_closings.reopen(ids(world)) == 1
    assert (sealed(world), open_marks(world)) == (lacking, 1)
    assert unread_closings.reopen(ids(world)) == 0


def test_a_closing_holds_however_often_the_entry_is_listed_again(world: World) -> None:
    listed(world, entry(world), entry(None, 2))
    unread_closings.close(ids(world), "known", "Emi", NOW)
    for hour in range(3):
        unread.enter(world.company.pk, [entry(world), entry(None, 2)], [], NOW + timedelta(hours=hour))
    assert open_marks(world) == 0
    assert {one.note for one in Unreadable.objects.all()} == {"known"}


def test_a_closing_goes_over_to_the_target_that_is_found_out_later(world: World) -> None:
    listed(world, entry())
    unread_closings.close(ids(world), "known", "Emi", NOW)
    unread.enter(world.company.pk, [entry(world), entry()], [], LATER)
    (kept,) = Unreadable.objects.all()
    assert (kept.target_id, kept.note, kept.closed_by, kept.closed_at) == (world.center.pk, "known", "Emi", NOW)


def test_a_closing_ends_with_its_entry_and_explains_no_later_one(world: World) -> None:
    listed(world, entry(world))
    unread_closings.close(ids(world), "known", "Emi", NOW)
    unread.enter(world.company.pk, [], ["c1"], LATER)
    assert marks(world) == []
    unread.enter(world.company.pk, [entry(world)], [], LATER)
    assert open_marks(world) == 1


def test_one_entry_that_is_closed_leaves_the_others_of_its_day_open(world: World) -> None:
    listed(world, entry(world, 1, FIRST + 5), entry(world, 2, FIRST + DAY // 2))
    before = sealed(world)
    unread_closings.close(ids(world)[:1], "known", "Emi", NOW)
    assert (sealed(world), open_marks(world)) == (before, 1)
