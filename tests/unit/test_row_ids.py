"""Which texts from outside name a row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain.row_ids import MOST_ID, row_id
from tests.console.odd_ids import ODD_IDS


@given(st.integers(min_value=0, max_value=MOST_ID))
def test_every_id_of_the_database_is_read_as_itself(number: int) -> None:
    assert row_id(str(number)) == number


@pytest.mark.parametrize("text", ODD_IDS)
def test_what_names_no_row_is_none(text: str) -> None:
    assert row_id(text) is None


@given(st.text())
def test_whatever_the_text_the_answer_is_none_or_a_number_that_the_database_takes(text: str) -> None:
    found = row_id(text)
    assert found is None or (0 <= found <= MOST_ID and text.isascii() and text.isdigit())
