"""Names come from another system and go into a database that does not take every string."""

from rokuon.dialpad.schema import parse_user
from rokuon.dialpad.values import to_text


def test_nul_and_half_surrogates_never_reach_the_database() -> None:
    assert to_text("../..\\evil\0name") == "../..\\evil name"
    assert to_text("half \ud83d pair") == "half \ufffd pair"
    assert to_text("whole 😀 pair\n") == "whole 😀 pair\n"
    assert parse_user({"id": 7, "emails": ["a\0@example.com"]}).emails == ("a @example.com",)
