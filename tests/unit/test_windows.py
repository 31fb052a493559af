"""Ranges, local midnights, listing windows and sealing."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rokuon.domain.failures import ConfigError
from rokuon.domain.ports import TimeRange
from rokuon.domain.windows import (
    DAY_MS,
    asked_range,
    day_of,
    day_start_ms,
    days_to_list,
    fingerprint,
    local_date,
    local_midnight_ms,
    may_seal,
    past_two_years,
    two_years_before,
    whole_days,
)

REFUSED_SPAN_MS = 2_592_000_000


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


NOW = ms("2026-08-01T03:30")

# --- local dates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "expected"),
    [("2028-02-29", "2026-02-28"), ("2028-03-01", "2026-03-01"), ("2026-02-28", "2024-02-28"), ("2026-08-01", "2024-08-01")],
)
def test_two_years_before_a_date(today: str, expected: str) -> None:
    assert two_years_before(date.fromisoformat(today)) == date.fromisoformat(expected)


@pytest.mark.parametrize(
    ("day", "timezone", "utc"),
    [
        ("2026-04-01", "Asia/Tokyo", "2026-03-31T15:00"),
        ("2026-04-01", "", "2026-04-01T00:00"),
        ("2024-04-26", "Africa/Cairo", "2024-04-25T22:00"),
        ("2026-03-08", "America/Los_Angeles", "2026-03-08T08:00"),
        ("2026-11-01", "America/Havana", "2026-11-01T04:00"),
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00"),
        ("2011-12-31", "Pacific/Apia", "2011-12-30T10:00"),
        # The clock jumped from 23:30 to 00:30.
        ("1919-03-31", "America/Toronto", "1919-03-31T04:30"),
    ],
)
def test_the_first_instant_of_a_local_date(day: str, timezone: str, utc: str) -> None:
    assert local_midnight_ms(date.fromisoformat(day), timezone) == ms(utc)


@given(st.dates(date(2000, 1, 1), date(2037, 12, 31)), st.sampled_from(sorted(available_timezones())))
@example(date(2010, 11, 7), "America/St_Johns")
@example(date(2018, 5, 5), "Asia/Pyongyang")
@example(date(2024, 3, 31), "America/Scoresbysund")
def test_a_local_date_begins_at_its_first_instant(day: date, timezone: str) -> None:
    start = local_midnight_ms(day, timezone)
    assert local_date(start - 1, timezone) < day
    assert local_date(start, timezone) == day or (day == date(2011, 12, 30) and local_date(start, timezone) > day)


def test_back_up_now_begins_at_local_midnight_two_years_ago_inclusive() -> None:
    assert past_two_years(ms("2028-02-28T15:00"), "Asia/Tokyo") == TimeRange(ms("2026-02-27T15:00"), ms("2028-02-28T15:00"))
    assert past_two_years(ms("2028-02-28T14:59"), "Asia/Tokyo").after_ms == ms("2026-02-27T15:00")
    assert past_two_years(ms("2028-02-29T15:00"), "Asia/Tokyo").after_ms == ms("2026-02-28T15:00")


# --- what a person asks for -------------------------------------------------------------------------------------------


def asked(since: str | None, until: str | None) -> TimeRange:
    return asked_range(since, until, now_ms=NOW, timezone_name="Asia/Tokyo")


def test_both_dates_are_inclusive() -> None:
    assert asked("2026-04-01", "2026-04-01") == TimeRange(ms("2026-03-31T15:00"), ms("2026-04-01T15:00"))


def test_today_ends_now() -> None:
    assert asked("2026-08-01", "2026-08-01") == TimeRange(ms("2026-07-31T15:00"), NOW)
    assert asked(None, None) == TimeRange(ms("2024-07-31T15:00"), NOW)


@pytest.mark.parametrize(
    ("since", "until", "says"),
    [
        ("2026-04-02", "2026-04-01", "after the last date"),
        ("2026-08-02", None, "first date, 2026-08-02, is in the future"),
        (None, "2026-08-02", "last date, 2026-08-02, is in the future"),
        ("2027-01-01", "2026-12-01", "future"),
        ("1999-12-31", None, "before the year 2000"),
        ("2026-02-30", None, "first date, 2026-02-30, is not a date"),
        (None, "yesterday", "last date, yesterday, is not a date"),
        ("20260401", None, "not a date"),
        ("2026-W14-3", None, "not a date"),
        ("２０２６-04-01", None, "not a date"),
        ("2026-04-01\n", None, "not a date"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused_in_a_sentence(since: str | None, until: str | None, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        asked(since, until)
    assert says in str(caught.value)
    assert str(caught.value).endswith(".")


def test_the_sentence_is_translated_before_the_values_go_in() -> None:
    with pytest.raises(ConfigError, match=r"^日付ではありません: x$"):
        asked_range("x", None, now_ms=NOW, timezone_name="", translate=lambda _: "日付ではありません: %(value)s")


@given(st.none() | st.dates().map(str) | st.text(max_size=12), st.none() | st.dates().map(str), st.sampled_from(["", "Asia/Tokyo"]))
def test_an_asked_range_is_never_in_the_future_nor_upside_down(since: str | None, until: str | None, timezone: str) -> None:
    try:
        wanted = asked_range(since, until, now_ms=NOW, timezone_name=timezone)
    except ConfigError:
        return
    assert ms("1999-12-31") <= wanted.after_ms <= wanted.before_ms <= NOW


# --- listing windows --------------------------------------------------------------------------------------------------

BASE = day_start_ms(date(2024, 7, 1))
ranges = st.tuples(st.integers(0, 100 * DAY_MS), st.integers(0, 100 * DAY_MS)).map(lambda ends: TimeRange(BASE + ends[0], BASE + ends[1]))
sealed_days = st.frozensets(st.integers(-2, 102).map(lambda number: date(2024, 7, 1) + timedelta(days=number)), max_size=100)


@given(ranges, sealed_days, st.integers(0, 110 * DAY_MS).map(lambda shift: BASE + shift))
def test_windows_cover_exactly_the_unsealed_past(wanted: TimeRange, sealed: frozenset[date], now_ms: int) -> None:
    windows = days_to_list(wanted, sealed, now_ms=now_ms)
    for window in windows:
        assert wanted.after_ms <= window.after_ms < window.before_ms <= min(wanted.before_ms, now_ms)
        assert window.before_ms - window.after_ms + 2 < REFUSED_SPAN_MS
    for earlier, later in pairwise(windows):
        assert earlier.before_ms <= later.after_ms
        assert earlier.before_ms % DAY_MS == 0
    end = min(wanted.before_ms, now_ms)
    expected = 0
    for number in range((end - wanted.after_ms) // DAY_MS + 3):
        day = day_of(wanted.after_ms) + timedelta(days=number)
        if day not in sealed:
            expected += max(0, min(end, day_start_ms(day) + DAY_MS) - max(wanted.after_ms, day_start_ms(day)))
    assert sum(window.before_ms - window.after_ms for window in windows) == expected
    assert not {day for window in windows for day in whole_days(window)} & sealed


@given(ranges)
def test_a_stretch_takes_no_more_windows_than_its_days_need(wanted: TimeRange) -> None:
    windows = days_to_list(wanted, set(), now_ms=BASE + 200 * DAY_MS)
    touched = (wanted.before_ms - 1) // DAY_MS - wanted.after_ms // DAY_MS + 1 if wanted.before_ms > wanted.after_ms else 0
    assert len(windows) == -(-touched // 29)


def test_two_years_are_26_windows() -> None:
    assert len(days_to_list(past_two_years(NOW, "Asia/Tokyo"), set(), now_ms=NOW)) == 26


def test_a_sealed_day_is_left_out_also_where_only_part_of_it_was_asked() -> None:
    wanted = TimeRange(BASE + 1000, BASE + 3 * DAY_MS)
    assert days_to_list(wanted, {date(2024, 7, 1)}, now_ms=NOW) == [TimeRange(BASE + DAY_MS, BASE + 3 * DAY_MS)]
    assert days_to_list(wanted, {date(2024, 7, 2)}, now_ms=NOW) == [
        TimeRange(BASE + 1000, BASE + DAY_MS),
        TimeRange(BASE + 2 * DAY_MS, BASE + 3 * DAY_MS),
    ]


@given(ranges)
def test_listing_again_after_sealing_every_whole_day_lists_only_the_edges(wanted: TimeRange) -> None:
    now_ms = BASE + 200 * DAY_MS
    covered = {day for window in days_to_list(wanted, set(), now_ms=now_ms) for day in whole_days(window)}
    again = days_to_list(wanted, covered, now_ms=now_ms)
    assert len(again) <= 2
    assert sum(window.before_ms - window.after_ms for window in again) < 2 * DAY_MS


@pytest.mark.parametrize(
    ("after", "before", "days"),
    [
        ("2026-04-01T00:00", "2026-04-03T00:00", ["2026-04-01", "2026-04-02"]),
        ("2026-04-01T00:00:00.001", "2026-04-03T00:00", ["2026-04-02"]),
        ("2026-04-01T00:00", "2026-04-02T23:59:59.999", ["2026-04-01"]),
        ("2026-04-01T10:00", "2026-04-01T12:00", []),
        ("2026-04-01T10:00", "2026-04-02T12:00", []),
    ],
)
def test_a_listing_covers_the_days_that_it_contains(after: str, before: str, days: list[str]) -> None:
    assert whole_days(TimeRange(ms(after), ms(before))) == [date.fromisoformat(day) for day in days]


# --- sealing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed_at", "complete", "missing", "expected"),
    [
        ("2026-05-07T00:00", True, 0, True),
        ("2026-05-06T23:59:59.999", True, 0, False),
        ("2026-06-01T00:00", False, 0, False),
        ("2026-06-01T00:00", True, 1, False),
    ],
)
def test_a_day_seals_when_listed_completely_35_days_after_its_end(listed_at: str, complete: bool, missing: int, expected: bool) -> None:
    assert may_seal(date(2026, 4, 1), listed_at_ms=ms(listed_at), complete=complete, details_missing=missing) is expected


def test_coverage_is_void_when_anything_about_the_listing_changes() -> None:
    base = fingerprint(["anonymized"], ["calls:list"], 1)
    others = [
        fingerprint([], ["calls:list"], 1),
        fingerprint(["anonymized"], ["calls:list", "recordings_export"], 1),
        fingerprint(["anonymized"], ["calls:list"], 2),
        fingerprint(["anonymized", "calls:list"], [], 1),
    ]
    assert len({base, *others}) == 5
    assert base == fingerprint(["anonymized", "anonymized"], iter(["calls:list"]), 1)
    assert len(base) == 16


def test_a_fingerprint_stays_the_same_over_releases() -> None:
    assert fingerprint(["a"], ["calls:list", "recordings_export"], 1) == fingerprint(["a"], ["recordings_export", "calls:list"], 1)
    assert fingerprint(["a"], ["calls:list", "recordings_export"], 1) == "0dd8e3797577a304"
