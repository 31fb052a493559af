"""How long work takes: what is left of a run, over simulated runs of several shapes."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rokuon.domain.pace import LISTED_ENOUGH, CurrentBudget, Left, Listed, left, seconds_for

DAY_S = 86_400.0


@dataclass(frozen=True)
class Moment:
    """A run at one moment, and the seconds that it then took in truth."""

    listed: Listed
    to_copy: int
    measured: float
    truly: float


def run(days: list[int], recorded: float, budget: CurrentBudget, fetch_s: float, window_days: int = 29) -> Iterator[Moment]:
    """A simulated run, newest day first. `days` holds the pages of each day, `recorded` the recordings of a page. Four windows are under
    way at once, each listing its next day in turn; requests leave at the budget, and recordings arrive no faster than one in `fetch_s`.
    """
    windows = [days[at : at + window_days] for at in range(0, len(days), window_days)]
    per_recording = max(budget.per_recording / budget.requests_per_second, fetch_s)
    clock, pages, found, listed_days = 0.0, 0, 0.0, 0
    done = [0] * len(windows)
    moments: list[tuple[float, Listed, float]] = []
    while any(at < len(window) for at, window in zip(done, windows, strict=True)):
        going = [n for n, window in enumerate(windows) if done[n] < len(window)][:4]
        for number in going:
            count = windows[number][done[number]]
            done[number] += 1
            listed_days += 1
            pages += count
            found += count * recorded
            clock += max(count / budget.requests_per_second + count * recorded * budget.per_recording / budget.requests_per_second, 0)
            clock += count * recorded * max(0.0, per_recording - budget.per_recording / budget.requests_per_second)
        left_windows = sum(at < len(window) for at, window in zip(done, windows, strict=True))
        listed = Listed(listed_days * DAY_S, (len(days) - listed_days) * DAY_S, left_windows, pages, round(found))
        moments.append((clock, listed, found / clock if clock else 0.0))
    for at, listed, measured in moments[:-1]:
        yield Moment(listed, 0, measured, clock - at)


SHAPES = {
    "every day alike": lambda n, rng: 20,
    "weekends off": lambda n, rng: 0 if n % 7 in (5, 6) else 24,
    "twice as many today as two years ago": lambda n, rng: 20 - n * 10 // 730,
    "twice as many then as today": lambda n, rng: 10 + n * 10 // 730,
    "no two days alike": lambda n, rng: rng.randint(5, 35),
    "a busy season each year": lambda n, rng: 30 if n % 365 < 60 else 18,
}


@pytest.mark.parametrize("shape", SHAPES)
@settings(deadline=None, max_examples=25)
@given(
    recorded=st.sampled_from([0.02, 0.5, 5.0, 25.0]),
    per_second=st.sampled_from([2.0, 15.0, 400.0]),
    charge=st.sampled_from([0, 1, 3]),
    fetch_s=st.sampled_from([0.0, 0.01, 0.3]),
    seed=st.integers(0, 9),
)
def test_the_time_left_is_within_a_factor_of_two_from_a_tenth_on(
    shape: str, recorded: float, per_second: float, charge: int, fetch_s: float, seed: int
) -> None:
    rng, budget = random.Random(seed), CurrentBudget(per_second, charge)
    for moment in run([SHAPES[shape](n, rng) for n in range(730)], recorded, budget, fetch_s):
        if moment.listed.share < 0.1 or moment.truly < 5:
            continue
        told = left(moment.listed, moment.to_copy, 0, budget, moment.measured)
        assert told is not None
        assert told.seconds is not None
        assert told.more
        assert 0.5 <= told.seconds / moment.truly <= 2, (told, moment)
        assert told.least <= moment.truly * 1.01 + 1, "at least is never too much"


BUDGET = CurrentBudget(15, 1)


def test_a_run_that_has_just_begun_says_a_least_and_no_guess() -> None:
    told = left(Listed(0, 730 * DAY_S, 26, 0, 0), 30, 0, BUDGET, 0)
    assert told == Left((26 + 30) / 15, None, more=True)
    early = Listed(730 * DAY_S * LISTED_ENOUGH / 2, 730 * DAY_S, 26, 5, 100)
    assert left(early, 30, 0, BUDGET, 10) == Left(56 / 15, None, more=True)


def test_what_is_all_listed_is_an_estimate_of_what_is_pending() -> None:
    assert left(Listed(9, 0, 0, 9, 99), 300, 0, BUDGET, 10) == Left(30, 30, more=False)
    assert left(Listed(9, 0, 0, 9, 99), 300, 0, BUDGET, 100) == Left(20, 20, more=False), (
        "the budget holds, however fast the last ones were"
    )


def test_what_waits_is_not_counted_and_said_to_come_on_top() -> None:
    assert left(Listed(9, 0, 0, 9, 99), 150, 5_000, BUDGET, 0) == Left(10, 10, more=True)
    assert left(Listed(9, 0, 0, 9, 99), 0, 5_000, BUDGET, 10) is None, "nothing moves"


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0.5, 1000), st.integers(0, 3), st.floats(0, 100))
def test_more_to_do_never_takes_less_time(pages: float, recordings: float, rate: float, charge: int, measured: float) -> None:
    budget = CurrentBudget(rate, charge)
    one = seconds_for(pages, recordings, budget, measured)
    assert one <= seconds_for(pages + 1, recordings + 1, budget, measured)
    assert one >= 0
