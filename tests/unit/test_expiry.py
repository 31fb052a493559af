"""What goes first where not everything may be fetched in time (issue 4, the source-expiry clock)."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from rokuon.backup.backfill import ListedTarget, PlannedWindow, plan_windows
from rokuon.domain.expiry import cuts, past_ms, turn
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import Scope, ScopeKind
from rokuon.domain.windows import DAY_MS, day_start_ms

NOW = day_start_ms(date(2026, 11, 22)) + 12 * 3_600_000 + 345
WINDOWS = st.sampled_from([45, 365])
STARTS = st.integers(NOW - 800 * DAY_MS, NOW)
SPANS = st.tuples(STARTS, STARTS).map(lambda ends: (min(ends), max(ends)))


def test_a_call_of_45_days_ago_has_left_and_one_of_a_millisecond_later_is_the_first_to_go() -> None:
    past = past_ms(NOW, 45)
    at_border, next_one, newest = (turn(start, start, past) for start in (past, past + 1, NOW))
    assert sorted([newest, at_border, next_one]) == [next_one, newest, at_border]


@given(STARTS, STARTS, WINDOWS)
def test_the_earlier_deadline_goes_first_and_what_is_past_goes_last_with_the_newest_before(one: int, other: int, days: int) -> None:
    past = past_ms(NOW, days)
    older, newer = sorted((one, other))
    if older == newer:
        assert turn(older, older, past) == turn(newer, newer, past)
    elif older > past:
        assert turn(older, older, past) < turn(newer, newer, past)
    else:
        assert turn(newer, newer, past) < turn(older, older, past)


@given(SPANS, WINDOWS)
def test_a_stretch_goes_when_the_first_of_its_calls_would(span: tuple[int, int], days: int) -> None:
    past, (first, last) = past_ms(NOW, days), span
    inside = {first, last, *(start for start in (past, past + 1) if first <= start <= last)}
    whole, parts = turn(first, last, past), [turn(start, start, past) for start in inside]
    assert whole[0] == min(parts)[0]
    assert 0 <= min(parts)[1] - whole[1] <= 1, "the border's own moment counts as past for a call, and is where a stretch begins"


@given(st.integers(0, 400), st.integers(0, 400), WINDOWS, st.frozensets(st.integers(0, 800), max_size=60))
def test_no_window_is_longer_than_its_oldest_recording_has_left_but_for_a_day(
    since: int, length: int, days: int, sealed: frozenset[int]
) -> None:
    wanted = TimeRange(NOW - since * 2 * DAY_MS, min(NOW, NOW - since * 2 * DAY_MS + length * 2 * DAY_MS))
    past = past_ms(NOW, days)
    for window in planned(wanted, days, sealed):
        if window.before_ms - 1 > past:
            left = max(0, window.after_ms - past)
            assert window.before_ms - window.after_ms <= left + DAY_MS


@given(WINDOWS, st.frozensets(st.integers(0, 800), max_size=60))
def test_windows_are_worked_on_by_deadline_and_cover_what_they_cover_without_one(days: int, sealed: frozenset[int]) -> None:
    wanted = TimeRange(NOW - 730 * DAY_MS, NOW)
    by_deadline, plain = planned(wanted, days, sealed), planned(wanted, None, sealed)
    assert sum(w.before_ms - w.after_ms for w in by_deadline) == sum(w.before_ms - w.after_ms for w in plain)
    past = past_ms(NOW, days)
    turns = [turn(window.after_ms, window.before_ms - 1, past) for window in by_deadline]
    assert turns == sorted(turns)
    assert plain == sorted(plain, key=lambda window: -window.before_ms)


def test_two_years_are_a_few_windows_more_with_a_deadline() -> None:
    wanted = TimeRange(NOW - 730 * DAY_MS, NOW)
    assert [len(planned(wanted, days, frozenset())) for days in (None, 45, 365)] == [26, 31, 31]


def test_the_days_at_which_windows_end_are_few_and_double() -> None:
    border = date(2026, 10, 8)
    assert sorted((day - border).days for day in cuts(past_ms(NOW, 45))) == [0, 1, 2, 4, 8, 16, 32]


def planned(wanted: TimeRange, days: int | None, sealed: frozenset[int]) -> list[TimeRange]:
    """`sealed` are days before now."""
    target = ListedTarget(
        1, Scope(ScopeKind.CONTACT_CENTER, "1"), {date.fromordinal(date(2026, 11, 22).toordinal() - n) for n in sealed}, False
    )
    windows: list[PlannedWindow] = plan_windows([target], wanted, company_targets=2, now_ms=NOW, access_window_days=days)
    return [window.wanted for window in windows]
