"""Dates for people: ISO in English, Japanese in Japanese, in the zone that is asked for."""

from datetime import UTC, date, datetime

import pytest

from rokuon.base import dates, i18n

WHEN = datetime(2026, 11, 29, 10, 18, 5, tzinfo=UTC)


def test_a_japanese_date_is_written_in_japanese_with_its_day_of_the_week() -> None:
    with i18n.speaking("ja"):
        assert dates.moment(WHEN, "Asia/Tokyo") == "2026年11月29日(日) 19:18"
        assert dates.named(WHEN, "Asia/Tokyo") == "2026年11月29日(日) 19:18 Asia/Tokyo"
        assert dates.day(date(2027, 1, 4)) == "2027年1月4日(月)"
        assert dates.month(WHEN.date()) == "2026年11月"
        assert dates.day_of_month(WHEN.date()) == "11月29日"


def test_an_english_date_sorts_and_cannot_be_misread() -> None:
    with i18n.speaking("en"):
        assert dates.moment(WHEN, "Asia/Tokyo") == "2026-11-29 19:18"
        assert dates.exact(WHEN, "America/Los_Angeles") == "2026-11-29 02:18:05 America/Los_Angeles"
        assert dates.month(WHEN.date()) == "2026-11"
        assert dates.day_of_month(WHEN.date()) == "Nov 29"


def test_the_date_is_that_of_the_zone_and_not_of_utc() -> None:
    with i18n.speaking("en"):
        assert dates.local_day(WHEN.replace(hour=22), "Asia/Tokyo") == "2026-11-30"
        assert dates.local_day(WHEN.replace(hour=22), "") == "2026-11-29"
        assert dates.clock(WHEN, "Asia/Tokyo") == "19:18"


@pytest.mark.parametrize("language", i18n.LANGUAGES)
@pytest.mark.parametrize("unknown", ["", "Mars/Olympus", "America"])
def test_a_zone_that_is_missing_or_unknown_is_utc(language: str, unknown: str) -> None:
    with i18n.speaking(language):
        assert dates.moment(WHEN, unknown).endswith("10:18")


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_a_spreadsheet_gets_the_same_date_in_every_language(language: str) -> None:
    with i18n.speaking(language):
        assert dates.spreadsheet(WHEN, "Asia/Tokyo") == "2026-11-29 19:18:05"
