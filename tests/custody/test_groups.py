"""Days of a target are read in groups of a limited number of lines, whatever was read before."""

from datetime import date, timedelta

import pytest

from rokuon.custody import groups
from tests.custody.sealing import Custody
from tests.custody.test_golden import without_recording

DAY = date(2026, 11, 20)
ZONE = "Asia/Tokyo"


def days(custody: Custody, *copies: int) -> list[date]:
    """Place so many copies on each of the days."""
    number = 0
    for place, count in enumerate(copies):
        for _ in range(count):
            number += 1
            custody.recording(number, DAY + timedelta(days=place), store=False)
    return [DAY + timedelta(days=place) for place in range(len(copies))]


def grouped(custody: Custody, wanted: list[date]) -> list[int]:
    found: list[list[date]] = []
    while rest := wanted[sum(map(len, found)) :]:
        found += groups.of(custody.center.pk, ZONE, rest)
    assert [day for group in found for day in group] == wanted
    return [len(group) for group in found]


def test_a_group_ends_before_its_lines_are_too_many(custody: Custody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "LINES_AT_ONCE", 6)
    assert grouped(custody, days(custody, 0, 0, 1, 3, 2, 1)) == [5, 1]


def test_calls_without_a_recording_are_lines_too(custody: Custody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "LINES_AT_ONCE", 6)
    wanted = days(custody, 2, 2, 2)
    assert grouped(custody, wanted) == [3]
    for number in range(3):
        without_recording(custody, 50 + number)  # at nine in the morning in Tokyo
    assert grouped(custody, wanted) == [1, 2]


def test_a_day_with_more_lines_is_read_alone(custody: Custody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "LINES_AT_ONCE", 6)
    assert grouped(custody, days(custody, 1, 9, 1)) == [1, 1, 1]


def test_sparse_days_are_read_together_up_to_a_limit(custody: Custody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MOST_AT_ONCE", 4)
    assert grouped(custody, days(custody, *[0] * 9)) == [4, 4, 1]
    assert groups.of(custody.center.pk, ZONE, []) == []


def test_an_issue_of_more_lines_than_one_group_has_seals_them_all(custody: Custody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "LINES_AT_ONCE", 3)
    days(custody, 2, 4, 1)
    custody.issue()
    assert [custody.day(1, DAY + timedelta(days=place))["copies"]["pending"] for place in range(3)] == [2, 4, 1]
