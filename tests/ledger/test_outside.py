"""Figures of the recorded calls outside every rule: by day and line, of one listing from end to end, never added twice."""

from datetime import date, timedelta

from rokuon.domain import windows
from rokuon.domain.outside import Line, LineKind, OutsideCall
from rokuon.ledger import coverage, outside, outside_void, runs
from rokuon.ledger.models import Coverage, Run, Window
from rokuon.ledger.outside import KnownDays
from rokuon.ledger.outside_models import OutsideCount, OutsideDay, OutsideSoFar
from rokuon.ledger.sql import at, ms
from rokuon.org.models import Target
from tests.ledger.factory import NOW, World

DAY = windows.DAY_MS
FIRST = date(2026, 11, 1)
START = windows.day_start_ms(FIRST)
ANN, CARE = Line(LineKind.USER, "1", "Ann"), Line(LineKind.DEPARTMENT, "30", "Care")
HOW = "as now"


def window_of(world: World, days: int = 2, start: int = START) -> Window:
    run = Run.objects.create(
        company=world.company,
        purpose=Run.Purpose.BACK_UP_NOW,
        scope_kind="company",
        scope_id=Run.objects.count() + 1,
        targets=[],
        since=at(start),
        until=NOW,
    )
    plan = runs.WindowPlan("company", "", (), at(start), at(start + days * DAY))
    runs.add_windows(run, [plan], NOW)
    Window.objects.filter(run=run).update(state=Window.State.QUEUED)
    return Window.objects.get(run=run)


def call(line: Line, at_ms: int, recordings: int = 1, *, again: bool = False) -> OutsideCall:
    return OutsideCall(line, START + at_ms, recordings, again)


def page(window: Window, down_to_ms: int, *calls: OutsideCall) -> None:
    """Enter a page as `RunWindowLedger.place` does."""
    mark = outside.lock_mark(window.pk)
    assert runs.advance(window.pk, at(START + down_to_ms), 1, len(calls))
    outside.enter(window.pk, mark, calls)


def publish(world: World, window: Window, listed_at: timedelta = timedelta()) -> None:
    days = windows.whole_days(windows_range(window))
    outside.publish(world.company.pk, window.pk, days, HOW, NOW + listed_at, NOW + listed_at)
    Window.objects.filter(pk=window.pk).update(state=Window.State.DONE)
    outside.tidy(world.company.pk, NOW)


def windows_range(window: Window) -> windows.TimeRange:
    return windows.TimeRange(ms(window.after), ms(window.before))


def figures(world: World, days: int = 40, how: str = HOW) -> dict[str, tuple[int, int]]:
    found = outside.by_line(world.company.pk, FIRST, FIRST + timedelta(days=days), how)
    return {one.kind.value: (one.calls, one.recordings) for one in found}


def test_the_figures_of_a_listing_are_shown_once_it_has_reached_its_end(world: World) -> None:
    window = window_of(world)
    page(window, DAY, call(ANN, DAY + 5), call(CARE, DAY + 4, 2))
    assert figures(world) == {}
    page(window, 0, call(ANN, 3, 0))
    publish(world, window)
    assert figures(world) == {"department": (1, 2), "user": (2, 1)}
    assert outside.known_days(world.company.pk, FIRST, FIRST + timedelta(days=9), HOW) == KnownDays(2, FIRST, FIRST + timedelta(days=1))


def test_a_job_that_lists_above_the_mark_again_adds_nothing_twice(world: World) -> None:
    window = window_of(world)
    page(window, DAY, call(ANN, DAY + 5))
    page(window, DAY, call(ANN, DAY + 5))
    page(window, 0, call(ANN, DAY + 5), call(ANN, DAY - 1))
    publish(world, window)
    assert figures(world) == {"user": (2, 2)}


def test_more_recordings_of_a_call_that_was_counted_add_no_call(world: World) -> None:
    window = window_of(world)
    page(window, 0, call(ANN, 5), call(ANN, 5, 2, again=True))
    publish(world, window)
    assert figures(world) == {"user": (1, 3)}


def test_a_listing_that_begins_again_from_its_top_forgets_what_it_had_counted(world: World) -> None:
    window = window_of(world)
    page(window, DAY, call(ANN, DAY + 5))
    Window.objects.filter(pk=window.pk).update(listed_down_to=window.before)
    page(window, 0, call(ANN, DAY + 5))
    publish(world, window)
    assert figures(world) == {"user": (1, 1)}


def test_a_day_that_is_listed_again_has_its_new_figures_and_its_old_ones_until_then(world: World) -> None:
    first = window_of(world)
    page(first, 0, call(ANN, 5), call(CARE, DAY + 5))
    publish(world, first)
    again = window_of(world)
    page(again, DAY, call(CARE, DAY + 5), call(CARE, DAY + 6))
    assert figures(world) == {"department": (1, 1), "user": (1, 1)}
    page(again, 0)
    publish(world, again, timedelta(hours=1))
    assert figures(world) == {"department": (2, 2)}


def test_an_older_listing_that_ends_later_does_not_replace_newer_figures(world: World) -> None:
    old, new = window_of(world), window_of(world)
    page(old, 0, call(ANN, 5))
    page(new, 0, call(CARE, 5))
    publish(world, new, timedelta(hours=1))
    publish(world, old)
    assert figures(world) == {"department": (1, 1)}


def test_two_windows_of_one_run_with_the_same_days_do_not_add_up(world: World) -> None:
    one, other = window_of(world), window_of(world)
    for window in (one, other):
        page(window, 0, call(ANN, 5))
        publish(world, window)
    assert figures(world) == {"user": (1, 1)}


def test_the_end_of_a_window_that_is_repeated_changes_nothing(world: World) -> None:
    window = window_of(world)
    page(window, 0, call(ANN, 5))
    publish(world, window)
    publish(world, window)
    assert figures(world) == {"user": (1, 1)}


def test_a_day_that_is_listed_in_part_is_not_known(world: World) -> None:
    window = window_of(world, start=START + DAY // 2)
    page(window, DAY // 2, call(ANN, DAY // 2), call(ANN, DAY + 1), call(ANN, 2 * DAY + 1))
    publish(world, window)
    assert figures(world) == {"user": (1, 1)}
    assert outside.known_days(world.company.pk, FIRST, FIRST + timedelta(days=9), HOW).days == 1


def test_a_window_that_failed_or_has_ended_leaves_no_rows_behind(world: World) -> None:
    failed, done, open_one = window_of(world), window_of(world), window_of(world)
    for window in (failed, done, open_one):
        page(window, DAY, call(ANN, DAY + 5))
    Window.objects.filter(pk=failed.pk).update(state=Window.State.FAILED)
    publish(world, done)
    assert set(OutsideSoFar.objects.values_list("window_id", flat=True)) == {open_one.pk}


def test_days_that_no_page_shows_any_more_expire_with_their_figures(world: World) -> None:
    beside, first = World("Zenith"), windows.two_years_before(NOW.date())
    days = [first - timedelta(days=outside.KEPT_BEFORE_DAYS + 1), first - timedelta(days=outside.KEPT_BEFORE_DAYS), first, NOW.date()]
    for company in (world.company, beside.company):
        for day in days:
            OutsideDay.objects.create(company=company, day=day, fingerprint=HOW, listed_at=NOW, published_at=NOW)
            OutsideCount.objects.create(company=company, day=day, kind="user", line_id="1", calls=1, recordings=1)
    outside.tidy(world.company.pk, NOW)
    for table in (OutsideDay, OutsideCount):
        assert sorted(table.objects.filter(company=world.company).values_list("day", flat=True)) == days[1:]
        assert table.objects.filter(company=beside.company).count() == 4, "each company's own windows tidy up"


def test_each_company_has_figures_of_its_own(world: World) -> None:
    beside = World("Zenith")
    window = window_of(beside)
    page(window, 0, call(ANN, 5))
    publish(beside, window)
    assert (figures(world), figures(beside)) == ({}, {"user": (1, 1)})
    assert outside.known_days(world.company.pk, FIRST, FIRST, HOW).days == 0


def test_a_line_has_the_name_that_was_listed_last(world: World) -> None:
    window = window_of(world)
    page(window, 0, call(Line(LineKind.USER, "1", "Ann Smith"), DAY), call(ANN, 1), call(Line(LineKind.USER, "1"), DAY + 1))
    publish(world, window)
    assert [one.name for one in outside.by_line(world.company.pk, FIRST, FIRST + timedelta(days=2), HOW)] == ["Ann Smith"]


def test_a_window_that_is_gone_has_no_mark_and_counts_nothing(world: World) -> None:
    window = window_of(world)
    Window.objects.all().delete()
    assert outside.lock_mark(window.pk) == 0
    assert not runs.advance(window.pk, at(START), 1, 1)


def test_days_that_were_listed_with_other_options_are_not_known(world: World) -> None:
    window = window_of(world)
    page(window, 0, call(ANN, 5))
    publish(world, window)
    assert figures(world, how="with voicemail") == {}
    assert outside.known_days(world.company.pk, FIRST, FIRST, "with voicemail").days == 0


# --- a rule that is switched off, or a trainee who leaves a team --------------------------------------------------------

TWO_DAYS = (FIRST, FIRST + timedelta(days=1))
BEFORE, AFTER = NOW - timedelta(hours=1), NOW + timedelta(hours=1)


def known(world: World) -> list[date]:
    return [day for day in TWO_DAYS if outside.known_days(world.company.pk, day, day, HOW).days]


def listed(world: World) -> None:
    """Let a run that started and ended at NOW list two days for the whole company, with a call on each."""
    window = window_of(world)
    page(window, 0, call(ANN, 5), call(CARE, DAY + 5))
    publish(world, window)


def cover(target: Target, day: date, *, ago: timedelta = timedelta(), sealed: bool = False) -> None:
    coverage.cover([target.pk], [day], HOW, ms(NOW - ago))
    Coverage.objects.filter(target=target, day=day).update(sealed=sealed)


def test_days_on_which_a_target_with_a_rule_was_neither_listed_nor_counted_are_not_known_without_its_rule(world: World) -> None:
    listed(world)
    cover(world.other, FIRST)
    outside_void.left_out(world.company.pk, world.other.pk, BEFORE)
    assert known(world) == [FIRST], "of the first day, its calls are in the ledger"
    assert figures(world) == {"user": (1, 1)}


def test_a_day_that_was_listed_again_without_the_target_is_known_without_its_rule_only_if_it_was_final(world: World) -> None:
    listed(world)
    for day, sealed in zip(TWO_DAYS, (True, False), strict=True):
        cover(world.other, day, ago=timedelta(days=1), sealed=sealed)
    outside_void.left_out(world.company.pk, world.other.pk, BEFORE)
    assert known(world) == [FIRST], "on the second day, a late call may have been left out"


def test_days_that_were_published_before_the_rule_was_on_counted_the_target_and_stay_known(world: World) -> None:
    listed(world)
    outside_void.left_out(world.company.pk, world.other.pk, AFTER)
    assert known(world) == [*TWO_DAYS]


def test_a_run_that_was_open_when_the_rule_was_switched_on_may_have_left_the_target_out(world: World) -> None:
    window = window_of(world)
    page(window, 0, call(ANN, 5))
    outside.publish(world.company.pk, window.pk, TWO_DAYS, HOW, BEFORE, AFTER)
    outside_void.left_out(world.company.pk, world.other.pk, NOW)
    assert known(world) == []


def test_a_rule_of_unknown_age_may_have_left_out_the_target_on_every_day(world: World) -> None:
    listed(world)
    outside_void.left_out(world.company.pk, world.other.pk, None)
    assert known(world) == []


def test_a_rule_of_another_company_that_is_switched_off_leaves_ours_known(world: World) -> None:
    listed(world)
    beside = World("Zenith")
    outside_void.left_out(beside.company.pk, beside.other.pk, None)
    assert known(world) == [*TWO_DAYS]


def test_an_open_window_that_was_not_sorted_into_the_target_has_not_counted_it(world: World) -> None:
    mine, others, of_another = window_of(world), window_of(world), window_of(World("Zenith"))
    Window.objects.update(listed_as={"1": HOW, "outside": HOW})
    Window.objects.filter(pk=mine.pk).update(listed_as={str(world.other.pk): HOW, "outside": HOW})
    outside_void.left_out(world.company.pk, world.other.pk, BEFORE)
    found = dict(Window.objects.values_list("pk", "listed_as"))
    assert found == {
        mine.pk: {str(world.other.pk): HOW, "outside": HOW},
        others.pk: {"1": HOW},
        of_another.pk: {"1": HOW, "outside": HOW},
    }
