"""The percentage: 100 only where nothing is missing, at any size, and no percentage where the number of recordings is not known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.base.measures import percent
from rokuon.completeness.headline import HeadlineFacts, share
from rokuon.completeness.lacks import Lacks
from rokuon.ledger.tally import Counts


@given(whole=st.integers(1, 10**18), missing=st.integers(1, 10**18), digits=st.integers(1, 4))
def test_a_share_is_100_only_if_nothing_is_missing(whole: int, missing: int, digits: int) -> None:
    assert percent(whole, whole, digits) == "100"
    part = max(0, whole - missing)
    assert float(percent(part, whole, digits)) < 100
    assert float(percent(part, whole, digits)) <= 100 * part / whole + 1e-9


@pytest.mark.parametrize("state", ["pending", "failed", "gone"])
def test_one_missing_of_a_million_is_seen(state: str) -> None:
    counts = Counts(verified=999_999, **{state: 1})
    assert share(counts, Lacks()) == HeadlineFacts(counts, Lacks()).share == "99.99"


def test_what_is_excluded_is_not_missing() -> None:
    assert share(Counts(verified=999_999, excluded=1), Lacks()) == "100"


def test_where_a_day_is_not_listed_there_is_no_percentage() -> None:
    assert share(Counts(verified=999_999), Lacks(days=1)) == "–"


def test_without_recordings_there_is_no_percentage() -> None:
    assert share(Counts(excluded=3), Lacks()) == "–"
