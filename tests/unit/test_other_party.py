"""What is kept of the other party of a call, and which numbers a typed text may mean."""

import pytest

from rokuon.domain.other_party import ListedParty, PartyDetail, candidates, digits, keeper, number_hash

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
LISTED = ListedParty("inbound", "+819012345678", "山田 太郎")


def test_nothing_is_kept_when_it_is_off() -> None:
    assert keeper(PartyDetail.OFF, KEY)(LISTED) is None


def test_masked_keeps_the_last_digits_an_initial_and_a_hash() -> None:
    kept = keeper(PartyDetail.MASKED, KEY)(LISTED)
    assert kept is not None
    assert (kept.direction, kept.ending, kept.number, kept.name) == ("inbound", "5678", "", "山…")
    assert kept.number_hash == number_hash(KEY, "819012345678")


def test_full_keeps_number_and_name() -> None:
    kept = keeper(PartyDetail.FULL, KEY)(LISTED)
    assert kept is not None
    assert (kept.number, kept.name) == ("+819012345678", "山田 太郎")


def test_a_short_number_never_shows_more_than_half_of_itself() -> None:
    kept = keeper(PartyDetail.MASKED, KEY)(ListedParty("outbound", "1234"))
    assert kept is not None
    assert kept.ending == "34"


def test_a_name_that_is_the_number_again_is_not_kept_as_a_name() -> None:
    for detail in (PartyDetail.MASKED, PartyDetail.FULL):
        kept = keeper(detail, KEY)(ListedParty("inbound", "+14155550123", "(415) 555-0123 ".replace("(", "+1 (")))
        assert kept is not None
        assert kept.name == ""


def test_a_call_without_any_of_it_keeps_nothing() -> None:
    assert keeper(PartyDetail.FULL, KEY)(ListedParty()) is None


def test_another_companys_key_gives_another_hash() -> None:
    assert number_hash(KEY, "819012345678") != number_hash(OTHER_KEY, "819012345678")


def test_number_and_name_are_not_in_the_representation() -> None:
    kept = keeper(PartyDetail.FULL, KEY)(LISTED)
    for text in (repr(LISTED), str(LISTED), repr(kept), f"{kept}"):
        assert "12345678" not in text.replace("number_hash", "")
        assert "山田" not in text


@pytest.mark.parametrize(
    "typed",
    [
        "+81 90-1234-5678",
        "+819012345678",
        "090-1234-5678",
        "09012345678",
        "０９０（１２３４）５６７８",
        "090 1234 5678",
        "010 81 90 1234 5678",
        "0081-90-1234-5678",
        "90.1234.5678",
        "tel:+819012345678",
        "090ー1234ー5678",
    ],
)
def test_a_number_is_meant_however_it_is_written(typed: str) -> None:
    assert "819012345678" in set(candidates(typed))


@pytest.mark.parametrize("typed", ["", "12", "Ann", "090-1234-567x", "1" * 16, "+", "²³⁴⁵a", "2026年11月29日"])
def test_what_is_no_number_means_none(typed: str) -> None:
    assert list(candidates(typed)) == []
    assert digits(typed) == ""


def test_an_international_number_means_itself_alone_and_an_extension_too() -> None:
    assert list(candidates("+14155550123")) == ["14155550123"]
    assert list(candidates("2041")) == ["2041"]


def test_the_candidates_of_a_national_number_are_bounded() -> None:
    assert len(list(candidates("0312345678"))) < 2_000
