"""What is not known: days that nobody listed, days that could not be listed, and days that are about to be."""

from datetime import date, datetime, timedelta

import pytest

from rokuon.completeness import unknown
from rokuon.completeness.options import fingerprint
from rokuon.completeness.unknown import Unknown
from rokuon.domain import windows
from rokuon.domain.failures import HoldOn
from rokuon.domain.ports import TimeRange
from rokuon.ledger import coverage, holds, runs
from rokuon.ledger.models import Run, Window
from rokuon.ledger.runs import WindowPlan
from rokuon.ledger.sql import ms
from rokuon.ledger.unlisted import COMING
from rokuon.org.models import Target
from tests.ledger.factory import NOW, World

TODAY = NOW.date()
MONTH_AGO = NOW - timedelta(days=30)


def look(world: World, now: datetime = NOW, **more: TimeRange) -> Unknown:
    return unknown.find_unknown(world.company, Target.objects.filter(company=world.company).select_related("office"), now, **more)


def cover(world: World, target: Target, first: int, last: int = 1, how: str = "") -> None:
    """The days from `first` to `last` days ago."""
    days = [TODAY - timedelta(days=number) for number in range(last, first + 1)]
    coverage.cover([target.pk], days, how or fingerprint(world.company), ms(NOW))


def back_up(world: World, *targets: Target, since: datetime = MONTH_AGO) -> int:
    """A Back up now was asked for; nothing is listed yet. The id of its one window."""
    ids = [target.pk for target in targets]
    run, _ = runs.open_run(world.company.pk, "company", 0, ids, since, NOW, NOW, relist=False)
    runs.add_windows(run, [WindowPlan("company", "", tuple(ids), since, NOW)], NOW)
    return Window.objects.get(run=run).pk


def end(window: int, state: str = "done", reason: str = "") -> None:
    Window.objects.filter(pk=window).update(state=state, reason=reason)
    Run.objects.filter(windows=window).update(state=Run.State.FINISHED, finished_at=NOW)


def days(found: Unknown) -> list[tuple[int, date, date, str]]:
    return sorted((gap.target_id, gap.first, gap.last, gap.reason) for gap in found.gaps)


def ago(number: int) -> date:
    return TODAY - timedelta(days=number)


def test_before_any_back_up_now_two_years_of_every_target_were_never_listed(world: World) -> None:
    found = look(world)
    assert found.never == {world.center.pk, world.other.pk}
    assert set(found.days.values()) == {730}
    assert {gap.reason for gap in found.gaps} == {"days_never_listed"}


def test_a_target_is_wanted_since_its_back_up_now_was_asked_for_and_the_others_were_never_listed(world: World) -> None:
    end(back_up(world, world.center))
    cover(world, world.center, 29)
    found = look(world)
    assert found.never == {world.other.pk}
    assert found.days.keys() == {world.other.pk}


def test_where_every_wanted_day_is_listed_nothing_is_unknown_and_since_when_is_told(world: World) -> None:
    end(back_up(world, world.center, world.other))
    for target in (world.center, world.other):
        cover(world, target, 29)
    found = look(world)
    assert not found
    assert found.since == ago(29)
    end(back_up(world, world.center, world.other, since=NOW - timedelta(days=800)))
    for target in (world.center, world.other):
        cover(world, target, 731)
    assert look(world) == Unknown(targets=2)


def test_an_earlier_back_up_now_widens_what_is_wanted_and_a_later_one_does_not_narrow_it(world: World) -> None:
    for since in (20, 30, 10):
        end(back_up(world, world.center, since=NOW - timedelta(days=since)))
    cover(world, world.center, 9)
    assert [days(look(world))[0][1:3]] == [(ago(29), ago(10))]


def test_a_hole_is_found_however_many_days_lie_around_it(world: World) -> None:
    end(back_up(world, world.center, since=NOW - timedelta(days=800)))
    cover(world, world.center, 731, 400)
    cover(world, world.center, 398)
    found = look(world)
    assert days(found)[0] == (world.center.pk, ago(399), ago(399), "days_never_listed")
    assert world.center.pk not in found.never
    assert found.days[world.center.pk] == 1


def test_days_that_could_not_be_listed_carry_the_reason_of_the_newest_try(world: World) -> None:
    end(back_up(world, world.center), "failed", "source_request_refused")
    assert {gap.reason for gap in look(world).refused} == {"source_request_refused"}
    end(Window.objects.get().pk, "failed", "run_cancelled")
    assert look(world).refused == ()
    end(Window.objects.get().pk, "failed", "source_cursor_looped")
    assert {gap.reason for gap in look(world).refused} == {"source_cursor_looped"}
    assert world.center.pk not in look(world).never


def test_days_whose_list_waits_for_a_hold_to_lift_are_held_and_not_refused(world: World) -> None:
    end(back_up(world, world.center), "waiting", "source_unavailable")
    assert {gap.reason for gap in look(world).refused} == {"source_unavailable"}
    assert holds.open_hold(world.company.pk, HoldOn.BUCKET, str(world.bucket.pk), "bucket_away", "", NOW)
    assert look(world).refused, "a bucket keeps nothing from being listed"
    assert holds.open_hold(world.company.pk, HoldOn.SOURCE, "", "source_away", "", NOW)
    assert look(world).refused == ()
    assert look(world).coming == {world.center.pk: 29}
    end(Window.objects.get().pk, "failed", "source_unavailable")
    assert look(world).refused == ()
    end(Window.objects.get().pk, "failed", "source_request_refused")
    assert look(world).refused, "what was refused for good stays so"


def test_days_that_are_listed_again_later_leave(world: World) -> None:
    end(back_up(world, world.center), "failed", "source_request_refused")
    cover(world, world.center, 29, 11)
    cover(world, world.center, 9)
    assert [gap.first for gap in look(world).refused] == [ago(10)]
    cover(world, world.center, 10)
    assert look(world).refused == ()


def test_what_a_run_is_about_to_list_is_told_apart(world: World) -> None:
    back_up(world, world.center)
    found = look(world)
    assert {gap.reason for gap in found.gaps if gap.target_id == world.center.pk} == {COMING}
    assert found.never == {world.other.pk}
    assert found.coming == {world.center.pk: 29}


def test_what_was_listed_with_other_options_is_no_evidence_and_told_apart(world: World) -> None:
    end(back_up(world, world.center))
    cover(world, world.center, 29, how="before")
    found = look(world)
    assert {gap.reason for gap in found.untried} == {"days_listed_otherwise"}
    assert world.center.pk not in found.never


@pytest.mark.parametrize(("hours", "missing"), [(2, 0), (4, 1)])
def test_yesterday_is_expected_a_few_hours_after_it_ended(world: World, hours: int, missing: int) -> None:
    Target.objects.filter(pk=world.other.pk).update(backed_up=False)
    end(back_up(world, world.center))
    cover(world, world.center, 29)
    midnight = windows.day_start_ms(TODAY + timedelta(days=1))
    now = NOW + timedelta(milliseconds=midnight - ms(NOW), hours=hours)
    assert sum(look(world, now).days.values()) == missing


def test_only_what_is_backed_up_counts(world: World) -> None:
    Target.objects.update(backed_up=False)
    assert not look(world)
    Target.objects.update(backed_up=True)
    type(world.company).objects.update(enabled=False)
    world.company.refresh_from_db()
    assert not look(world)


def test_within_a_range_only_its_whole_days_are_looked_at(world: World) -> None:
    cover(world, world.center, 5)
    Target.objects.filter(pk=world.other.pk).update(backed_up=False)
    within = TimeRange(ms(NOW - timedelta(days=7)), ms(NOW))
    assert days(look(world, within=within)) == [(world.center.pk, ago(6), ago(6), "days_never_listed")]
