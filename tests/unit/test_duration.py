"""How long audio must be: as long as the source lists, give or take what encoders add; and what holds where it lists nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain.audio import AudioFacts, Skipped
from rokuon.domain.duration import check_length
from rokuon.domain.failures import RecordingDamaged, RecordingDurationDiffers, RecordingTruncated

HOUR = 3_600_000


def facts(ms: int, *, silent_ms: int = 0, announced_ms: int = 0, joins: int = 0, skipped: tuple[Skipped, ...] = ()) -> AudioFacts:
    return AudioFacts("mp3", ms, max(1, ms // 72), 16, 8000, silent_ms, announced_ms, joins, 0, 0, skipped)


@pytest.mark.parametrize(
    ("measured", "listed"),
    [(HOUR, HOUR), (HOUR + 300, HOUR), (HOUR - 300, HOUR), (309, 100), (144, 100), (1_008, 799), (10_152, 10_000), (10_013, 10_013)],
)
def test_a_length_within_what_encoders_add_is_taken_however_short_or_long_it_is(measured: int, listed: int) -> None:
    check_length(facts(measured), listed, None)


@pytest.mark.parametrize(
    ("measured", "listed"),
    [
        (HOUR - 108_000, HOUR),
        (HOUR - 1_000, HOUR),
        (HOUR - 301, HOUR),
        (HOUR + 301, HOUR),
        (699, 1_000),
        (500, 1_000),
        (20_000, 10_000),
    ],
)
def test_a_longer_disagreement_is_refused_with_both_numbers(measured: int, listed: int) -> None:
    with pytest.raises(RecordingDurationDiffers, match=f"{measured} ms of audio, {listed} ms listed"):
        check_length(facts(measured), listed, None)


@given(st.integers(1_000, 10**8), st.integers(-(10**5), 10**5))
def test_the_tolerance_is_the_same_for_every_length(listed: int, off: int) -> None:
    try:
        check_length(facts(listed + off), listed, None)
        taken = True
    except RecordingDurationDiffers:
        taken = False
    assert taken == (abs(off) <= 300)


def test_what_the_encoder_says_that_it_added_may_be_listed_or_not() -> None:
    for listed in (9_500, 10_000, 9_200, 10_300):
        check_length(facts(10_000, silent_ms=500), listed, None)
    for listed in (9_199, 10_301):
        with pytest.raises(RecordingDurationDiffers):
            check_length(facts(10_000, silent_ms=500), listed, None)


def test_an_encoder_that_boasts_of_silence_hides_no_missing_audio() -> None:
    with pytest.raises(RecordingDurationDiffers):
        check_length(facts(9_000, silent_ms=1_000), 10_000, None)


def test_each_joined_file_adds_once_more() -> None:
    check_length(facts(20_900, joins=2), 20_200, None)
    with pytest.raises(RecordingDurationDiffers):
        check_length(facts(20_900), 20_200, None)
    with pytest.raises(RecordingDurationDiffers):
        check_length(facts(19_899, joins=2), 20_200, None)


@pytest.mark.parametrize("listed", [None, 0])
def test_without_a_listed_length_the_call_is_the_limit(listed: int | None) -> None:
    check_length(facts(144), listed, 10_000)
    check_length(facts(20_000), listed, 10_000)
    check_length(facts(10**7), listed, None)
    with pytest.raises(RecordingDurationDiffers, match="20001 ms of audio, 10000 ms from start to end of the call"):
        check_length(facts(20_001), listed, 10_000)


@pytest.mark.parametrize("listed", [None, 0])
def test_without_a_listed_length_the_file_must_hold_what_it_says_of_itself(listed: int | None) -> None:
    check_length(facts(10_000, announced_ms=10_300), listed, None)
    check_length(facts(10_000, announced_ms=9_000), listed, None)
    with pytest.raises(RecordingTruncated, match="10000 of 10301 ms"):
        check_length(facts(10_000, announced_ms=10_301), listed, None)
    check_length(facts(10_000, announced_ms=99_999), 10_000, None)


@pytest.mark.parametrize("listed", [None, 0])
def test_without_a_listed_length_nothing_accounts_for_a_gap(listed: int | None) -> None:
    gap = (Skipped("zeros", "between", 1, 144),)
    with pytest.raises(RecordingDamaged):
        check_length(facts(10_000, skipped=gap), listed, None)
    check_length(facts(10_000, skipped=gap), 10_000, None)
    check_length(facts(10_000, skipped=(Skipped("id3v2", "between", 1, 45), Skipped("zeros", "behind", 1, 1))), listed, None)
