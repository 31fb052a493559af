"""One field: what a text may mean."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain.sought import LONGEST, DaysSought, understand

TODAY = date(2026, 11, 30)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-29",
        "2026/11/29",
        "2026.11.29",
        "20261129",
        "2026年11月29日",
        "２０２６年１１月２９日（日）",
        "2026年11月29日(日)",
        "2026年11月29日日曜日",
        "11月29日",
        "11/29",
        "令和8年11月29日",
        "R8.11.29",
        "29 Nov 2026",
        "Nov 29, 2026",
        "November 29th 2026",
        "昨日",
        "Yesterday",
    ],
)
def test_a_day_is_understood_however_it_is_written(text: str) -> None:
    sought = understand(text, TODAY)
    assert sought.days == DaysSought(date(2026, 11, 29), date(2026, 11, 29))
    assert sought.agent == ""


@pytest.mark.parametrize("text", ["2026-02", "2026年2月", "2026/2"])
def test_a_month_is_understood(text: str) -> None:
    assert understand(text, TODAY).days == DaysSought(date(2026, 2, 1), date(2026, 2, 28))


def test_december_ends_with_the_year() -> None:
    assert understand("2025-12", TODAY).days == DaysSought(date(2025, 12, 1), date(2025, 12, 31))


def test_a_day_without_a_year_is_the_last_one_that_is_not_in_the_future() -> None:
    days = understand("12月1日", TODAY).days
    assert days is not None
    assert days.first == date(2025, 12, 1)


@pytest.mark.parametrize("text", ["2026-02-30", "2026-13-01", "13月1日", "1999-12-31", "2月30日", "29 Foo 2026"])
def test_a_day_that_does_not_exist_is_none(text: str) -> None:
    assert understand(text, TODAY).days is None


@pytest.mark.parametrize("text", ["6755001", "4947068723473209", "１２３４５６７８９０１２３４５６", "a1-b2"])
def test_an_id_is_read_as_an_id(text: str) -> None:
    assert understand(text, TODAY).ident != ""


def test_eight_digits_that_are_a_date_may_still_be_an_id_or_a_number() -> None:
    sought = understand("20261129", TODAY)
    assert (sought.ident, sought.number, sought.days is not None, sought.agent) == ("20261129", True, True, "")


def test_a_number_of_sixteen_digits_is_an_id_and_no_phone_number() -> None:
    sought = understand("4947068723473209", TODAY)
    assert (sought.ident, sought.number, sought.agent) == ("4947068723473209", False, "")


@pytest.mark.parametrize("text", ["090-1234-5678", "+81 3 1234 5678", "(415) 555-0123", "０３－１２３４－５６７８"])
def test_a_phone_number_is_read_as_one_and_not_as_a_name(text: str) -> None:
    sought = understand(text, TODAY)
    assert (sought.number, sought.ident, sought.agent, sought.days) == (True, "", "", None)


@pytest.mark.parametrize("text", ["2026-11-29", "2026/11/29"])
def test_a_written_date_is_no_phone_number(text: str) -> None:
    assert understand(text, TODAY).number is False


@pytest.mark.parametrize("text", ["山田 太郎", "José", "O'Hara", "Zoë 🎧", "=HYPERLINK(1)"])
def test_anything_else_is_the_name_of_an_agent(text: str) -> None:
    sought = understand(text, TODAY)
    assert (sought.agent, sought.ident, sought.number, sought.days) == (text, "", False, None)


@pytest.mark.parametrize("text", ["", "  ", "\0", "　"])
def test_nothing_means_nothing(text: str) -> None:
    assert understand(text, TODAY).text == ""


@given(st.text(max_size=300))
def test_every_text_has_at_most_its_length_and_at_least_one_reading(text: str) -> None:
    sought = understand(text, TODAY)
    assert len(sought.text) <= LONGEST
    if sought.text:
        assert sought.ident or sought.number or sought.days or sought.agent
