"""A Retry-After header in every form: how long is asked for, in UTC, bounded; what cannot be read is a minute and never "at once"."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain.retry import PAUSE_MAX_S, RETRY_AFTER_MAX_S, RETRY_AFTER_MIN_S, obeyed_pause, obeyed_wait
from rokuon.domain.retry_after import LONGEST_S, UNREADABLE_S, epoch_ms_of, seconds_asked

NOW_MS = 1_785_978_000_000  # Thu, 06 Aug 2026 01:00:00 UTC


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """This machine's own zone."""
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    assert os.environ.get("TZ") == before
    time.tzset()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("20", 20), ("20.5", 20.5), ("25s", 25), ("25 S", 25), ("25 seconds", 25), ("2min", 120), ("1.5h", 5400), ("500ms", 0.5),
        ("1e2", 100), ("5e-1", 0.5), (".5", 0.5), ("1e400", LONGEST_S),
        (' "30" ', 30), ("0", 0), ("-1", 0), ("86400", 86_400), ("1d", 86_400), ("1e9", LONGEST_S), ("9" * 200, LONGEST_S),
        ("1785978009", 9), ("1785978009000", 9), ("1785977000", 0),
    ],
)  # fmt: skip
def test_every_form_of_a_number_is_understood(header: str, seconds: float) -> None:
    assert seconds_asked(header, now_ms=NOW_MS) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "header",
    [
        "Thu, 06 Aug 2026 01:00:09 GMT",
        "Thursday, 06-Aug-26 01:00:09 GMT",
        "Thu Aug  6 01:00:09 2026",
        "Thu, 06 Aug 2026 01:00:09",
        "Thu, 06 Aug 2026 01:00:09 -0000",
        "thu, 06 aug 2026 01:00:09 gmt",
        "Thu, 06 Aug 2026 10:00:09 +0900",
        "2026-08-06T01:00:09Z",
        "2026-08-06 01:00:09",
        "2026-08-06T10:00:09+09:00",
    ],
)
def test_every_form_of_a_date_is_understood_in_utc_whatever_this_machines_zone_is(zone: str, header: str) -> None:
    assert seconds_asked(header, now_ms=NOW_MS) == 9
    assert seconds_asked(header, now_ms=0, date="Thu Aug  6 01:00:04 2026") == 5, "the answer's own clock counts before ours"


@pytest.mark.parametrize(
    "header", ["", " ", "soon", "7, 9", "20,5", "nan", "inf", "٣", "２０", "25 parsecs", "12:00", "Mon", "Thu, 06 Aug 99999 01:00:09 GMT"]
)
def test_what_cannot_be_read_asks_for_a_minute_and_not_for_at_once(header: str) -> None:
    assert seconds_asked(header, now_ms=NOW_MS) == UNREADABLE_S == 60


def test_without_the_header_nothing_is_asked_for() -> None:
    assert seconds_asked(None, now_ms=NOW_MS) is None


@given(st.text(max_size=40) | st.from_regex(r"[0-9]{1,20}(\.[0-9]{1,20})?[a-z ]{0,4}", fullmatch=True), st.text(max_size=30))
def test_whatever_is_sent_the_wait_is_bounded_and_obeyed_for_a_second_to_a_quarter_of_an_hour(header: str, date: str) -> None:
    seconds = seconds_asked(header, now_ms=NOW_MS, date=date)
    assert seconds is not None
    assert 0 <= seconds <= LONGEST_S
    assert RETRY_AFTER_MIN_S <= obeyed_wait(seconds) <= RETRY_AFTER_MAX_S
    assert obeyed_wait(seconds) <= obeyed_pause(seconds) <= PAUSE_MAX_S == 86_400


@given(st.integers(0, 2_500_000), st.sampled_from(["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]))
def test_a_date_in_any_of_the_three_forms_of_http_is_the_same_wait(ahead: int, form: str) -> None:
    until = datetime.fromtimestamp(NOW_MS / 1000 + ahead, UTC)
    assert seconds_asked(until.strftime(form), now_ms=NOW_MS) == ahead
    assert epoch_ms_of(format_datetime(until, usegmt=True)) == NOW_MS + ahead * 1000


@given(st.decimals(0, 100_000, places=3))
def test_a_fraction_is_the_number_that_it_says(seconds: object) -> None:
    assert seconds_asked(f"{seconds}", now_ms=NOW_MS) == pytest.approx(float(str(seconds)))
