"""When a copy is tried again, given up, or held."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain.copies import State
from rokuon.domain.failures import (
    BucketForbidden,
    Decision,
    HoldOn,
    ObjectOccupied,
    RecordingGone,
    RecordingNotReady,
    RecordingTruncated,
    RokuonError,
    SourceKindDenied,
    SourceThrottled,
    SourceUnavailable,
    StoreThrottled,
    StoreUnavailable,
    leaves,
)
from rokuon.domain.retry import GiveUp, History, RetryLater, WaitForHold, decide, probe_delay, quick_delay

MINUTE, HOUR, DAY = 60, 3600, 86_400
NOW = 1_775_000_000_000

# Other layers have ConfigErrors of their own, which say more and take more.
OURS = sorted((leaf for leaf in leaves() if leaf.__module__ == RokuonError.__module__), key=lambda leaf: leaf.reason)
errors = st.sampled_from(OURS).flatmap(lambda leaf: st.none().map(lambda _: leaf()) | st.floats().map(lambda wait: leaf(retry_after=wait)))
histories = st.builds(
    lambda errors, negatives, age, listed: History(errors + negatives, negatives, NOW - age if negatives else None, listed),
    st.integers(0, 20),
    st.integers(0, 20),
    st.integers(0, 10 * DAY * 1000),
    st.booleans(),
)


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [(0, 1 * MINUTE), (1, 5 * MINUTE), (2, 15 * MINUTE), (3, 1 * HOUR), (4, 4 * HOUR), (5, 12 * HOUR), (6, 24 * HOUR)],
)
def test_an_error_waits_longer_each_time(attempts: int, wait: int) -> None:
    assert decide(RecordingTruncated(), History(attempts), NOW) == RetryLater(wait, True)


def test_the_eighth_failed_try_is_the_last() -> None:
    assert decide(RecordingTruncated(), History(7), NOW) == GiveUp(State.FAILED, "recording_truncated")


def test_a_hold_says_what_it_stops() -> None:
    assert decide(SourceKindDenied(), History(3), NOW) == WaitForHold(HoldOn.KIND, "source_kind_denied")
    assert decide(BucketForbidden(), History(3), NOW) == WaitForHold(HoldOn.BUCKET, "bucket_forbidden")


def test_what_another_try_cannot_change_fails_at_once() -> None:
    assert decide(ObjectOccupied(), History(), NOW) == GiveUp(State.FAILED, "object_occupied")


def test_a_410_is_gone_at_once() -> None:
    assert decide(RecordingGone(), History(), NOW) == GiveUp(State.GONE, "recording_gone")


LONGEST = math.inf


@pytest.mark.parametrize(
    ("named", "wait"),
    [(None, 60), (30, 30), (0, 1), (-1, 1), (1e9, LONGEST), (math.inf, LONGEST), (-math.inf, 1), (math.nan, 60), (0.25, 1)],
)
@pytest.mark.parametrize("error", [SourceThrottled, StoreThrottled])
def test_a_throttle_waits_as_told_within_bounds_and_spends_nothing(error: type[RokuonError], named: float | None, wait: float) -> None:
    # A pause of Dialpad's is obeyed as named, for a day at most.
    longest = 86_400 if error is SourceThrottled else 900
    assert decide(error(retry_after=named), History(7), NOW) == RetryLater(min(wait, longest), False)


def test_an_outage_with_a_named_wait_never_comes_back_sooner_than_the_schedule() -> None:
    assert decide(SourceUnavailable(retry_after=1), History(0), NOW) == RetryLater(60, True)
    assert decide(SourceUnavailable(retry_after=600), History(0), NOW) == RetryLater(600, True)


# --- audio that is not there yet --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("negatives", "wait"), [(0, 1 * MINUTE), (1, 5 * MINUTE), (2, 15 * MINUTE), (3, 1 * HOUR), (4, 4 * HOUR)])
def test_missing_audio_is_asked_for_again(negatives: int, wait: int) -> None:
    first = NOW - 1000 if negatives else None
    assert decide(RecordingNotReady(), History(negatives, negatives, first), NOW) == RetryLater(wait, True)


def test_the_last_question_comes_24_hours_after_the_first() -> None:
    history = History(8, 8, NOW - 22 * HOUR * 1000)
    assert decide(RecordingNotReady(), history, NOW) == RetryLater(2 * HOUR, True)


def test_three_negatives_over_24_hours_are_gone() -> None:
    assert decide(RecordingNotReady(), History(2, 2, NOW - DAY * 1000), NOW) == GiveUp(State.GONE, "recording_gone")


def test_two_negatives_prove_nothing_however_far_apart() -> None:
    assert isinstance(decide(RecordingNotReady(), History(1, 1, NOW - 9 * DAY * 1000), NOW), RetryLater)


def test_many_negatives_within_24_hours_prove_nothing() -> None:
    assert isinstance(decide(RecordingNotReady(), History(50, 50, NOW - DAY * 1000 + 1), NOW), RetryLater)


def test_a_recording_that_is_still_listed_has_failed_and_is_not_gone() -> None:
    history = History(9, 9, NOW - DAY * 1000, still_listed=True)
    assert decide(RecordingNotReady(), history, NOW) == GiveUp(State.FAILED, "recording_not_ready")


def test_late_audio_does_not_use_up_the_tries_of_its_download() -> None:
    assert decide(SourceUnavailable(), History(9, 9, NOW - DAY * 1000), NOW) == RetryLater(60, True)


# --- in place ---------------------------------------------------------------------------------------------------------


def test_two_quick_tries_and_then_the_ledger() -> None:
    assert [quick_delay(StoreUnavailable(), tries) for tries in range(4)] == [1, 5, None, None]


@pytest.mark.parametrize("error", [SourceThrottled(), RecordingNotReady(), BucketForbidden(), ObjectOccupied()])
def test_no_quick_try_for_what_does_not_pass_in_seconds(error: RokuonError) -> None:
    assert quick_delay(error, 0) is None


def test_a_quick_try_obeys_a_named_wait_or_leaves_it_to_the_ledger() -> None:
    assert quick_delay(SourceUnavailable(retry_after=3), 0) == 3
    assert quick_delay(SourceUnavailable(retry_after=6), 0) is None


@given(errors, st.integers(0, 10))
def test_a_quick_wait_is_one_to_five_seconds(error: RokuonError, tries: int) -> None:
    wait = quick_delay(error, tries)
    assert wait is None or (1 <= wait <= 5 and tries < 2 and error.decision is Decision.AFTER)


def test_a_hold_probes_at_growing_distances() -> None:
    assert [probe_delay(probes) for probes in range(6)] == [60, 300, 900, 3600, 3600, 3600]


# --- what holds for every error ---------------------------------------------------------------------------------------


@given(errors, histories)
def test_every_decision_is_the_classs_own_and_within_bounds(error: RokuonError, history: History) -> None:
    answer = decide(error, history, NOW)
    match answer:
        case WaitForHold():
            assert error.decision is Decision.HOLD
        case RetryLater():
            assert error.decision is Decision.AFTER
            assert 1 <= answer.after_s <= DAY
            assert answer.spends == error.spends
        case GiveUp():
            assert error.decision is not Decision.HOLD
            assert error.spends
            assert answer.state in (State.FAILED, State.GONE)
            assert (answer.state is State.GONE) == (answer.reason == "recording_gone")


@given(st.lists(errors, min_size=1, max_size=12), st.booleans())
def test_attempts_only_grow_and_every_sequence_that_spends_ends(script: list[RokuonError], still_listed: bool) -> None:
    history, now_ms, tries = History(still_listed=still_listed), NOW, 0
    spending = [error for error in script if error.spends]
    while spending:
        error = spending[tries % len(spending)]
        answer = decide(error, history, now_ms)
        if not isinstance(answer, RetryLater):
            break
        assert answer.spends
        tries += 1
        assert tries <= 25
        negative = isinstance(error, RecordingNotReady)
        first = history.first_negative_ms if history.first_negative_ms is not None or not negative else now_ms
        history = History(history.tries + 1, history.negatives + negative, first, still_listed)
        now_ms += int(answer.after_s * 1000)


@given(errors, histories)
def test_gone_needs_a_410_or_three_negatives_over_24_hours(error: RokuonError, history: History) -> None:
    answer = decide(error, history, NOW)
    if isinstance(answer, GiveUp) and answer.state is State.GONE and not isinstance(error, RecordingGone):
        assert isinstance(error, RecordingNotReady)
        assert history.negatives + 1 >= 3
        assert history.first_negative_ms is not None
        assert NOW - history.first_negative_ms >= DAY * 1000
        assert not history.still_listed
