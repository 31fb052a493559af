"""How many recordings a drill reads, what it proves, and that anybody can draw the same ones."""

import hashlib
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain.sampling import draw, millionths, most_damaged, order, sample_size, unlimited_size

SURE = Fraction(95, 100)

TABLE = {
    # confidence in %, damaged below in %: of 1,000, 10,000, 100,000, 1 M, without limit
    ("95", "1"): (258, 294, 298, 299, 299),
    ("95", "0.5"): (450, 581, 596, 598, 598),
    ("95", "0.1"): (951, 2588, 2950, 2990, 2995),
    ("95", "0.01"): (951, 9501, 25886, 29512, 29956),
    ("99", "1"): (368, 448, 458, 459, 459),
    ("99", "0.1"): (991, 3689, 4499, 4593, 4603),
}


@pytest.mark.parametrize(("asked", "sizes"), TABLE.items())
def test_the_sizes_are_those_of_the_table_of_the_design(asked: tuple[str, str], sizes: tuple[int, ...]) -> None:
    confidence, below = (Fraction(text) / 100 for text in asked)
    found = [sample_size(of, confidence, below) for of in (1_000, 10_000, 100_000, 1_000_000)]
    assert (*found, unlimited_size(confidence, below)) == sizes


def test_the_bounds_are_those_of_the_design_when_bad_ones_are_found() -> None:
    # Of so many that the number does not matter, as in the binomial table of Clopper and Pearson.
    of = 1_000_000_000
    shares = [100 * most_damaged(bad, 2_995, of, SURE) / of for bad in (0, 1, 2)]
    assert [f"{share:.2f}" for share in shares] == ["0.10", "0.16", "0.21"]


def test_of_no_recordings_none_is_drawn() -> None:
    assert sample_size(0, SURE, Fraction(1, 1000)) == 0
    assert most_damaged(0, 0, 0, SURE) == 0
    assert millionths(0, 0) == 0


@pytest.mark.parametrize(("confidence", "below"), [("0", "0.1"), ("1", "0.1"), ("0.95", "0"), ("0.95", "1"), ("-1", "0.5"), ("2", "0.5")])
def test_a_confidence_or_share_that_means_nothing_is_refused(confidence: str, below: str) -> None:
    with pytest.raises(ValueError, match="confidence"):
        sample_size(1_000, Fraction(confidence), Fraction(below))


@pytest.mark.parametrize(("bad", "drawn", "of"), [(1, 0, 5), (0, 6, 5), (-1, 3, 5)])
def test_more_bad_than_drawn_and_more_drawn_than_there_are_is_refused(bad: int, drawn: int, of: int) -> None:
    with pytest.raises(ValueError, match=f"{bad} of {drawn} of {of}"):
        most_damaged(bad, drawn, of, SURE)


def _chance(bad: int, drawn: int, of: int, damaged: int) -> Fraction:
    """The probability of at most `bad`, counted draw by draw."""
    ways = sum(math.comb(damaged, i) * math.comb(of - damaged, drawn - i) for i in range(bad + 1) if drawn - i >= 0)
    return Fraction(ways, math.comb(of, drawn))


shares = st.fractions(min_value=Fraction(1, 100), max_value=Fraction(99, 100), max_denominator=200)


@given(of=st.integers(1, 60), confidence=shares, below=shares)
def test_the_size_is_enough_and_one_fewer_is_not(of: int, confidence: Fraction, below: Fraction) -> None:
    size, damaged = sample_size(of, confidence, below), math.ceil(below * of)
    assert _chance(0, size, of, damaged) < 1 - confidence
    assert _chance(0, size - 1, of, damaged) >= 1 - confidence


@given(of=st.integers(1, 60), data=st.data(), confidence=shares)
def test_the_bound_is_the_last_number_that_is_not_ruled_out(of: int, data: st.DataObject, confidence: Fraction) -> None:
    drawn = data.draw(st.integers(0, of))
    bad = data.draw(st.integers(0, drawn))
    bound = most_damaged(bad, drawn, of, confidence)
    possible = [one for one in range(bad, of - drawn + bad + 1) if _chance(bad, drawn, of, one) >= 1 - confidence]
    assert bound == max(possible, default=bad)


@given(of=st.integers(1, 400), confidence=shares, below=shares)
def test_a_sample_found_whole_proves_what_it_was_drawn_for(of: int, confidence: Fraction, below: Fraction) -> None:
    size = sample_size(of, confidence, below)
    assert most_damaged(0, size, of, confidence) < below * of


@pytest.mark.parametrize("bad", [29_512, 15_000, 1_000])
def test_a_bound_with_many_bad_ones_lies_just_above_the_share_that_was_found(bad: int) -> None:
    # Also the numbers of a disaster: adding up every term of them took minutes, while the drill's row is locked.
    bound = most_damaged(bad, 29_512, 1_000_000, SURE)
    assert 1 <= bound * 29_512 / bad / 1_000_000 < 1.1


def test_reading_all_leaves_nothing_open() -> None:
    assert most_damaged(3, 500, 500, SURE) == 3


def test_a_bound_is_never_rounded_down() -> None:
    assert millionths(1, 3) == 333_334


def test_the_order_is_what_a_shell_computes_from_a_manifest() -> None:
    key = "call-recordings/東京/2026-03-04/Ann - 1 - 2.mp3"
    key_sha256 = hashlib.sha256(key.encode()).hexdigest()
    assert order("seal of 4 March", key) == hashlib.sha256(b"seal of 4 March" + key_sha256.encode("ascii")).digest()


keys = st.lists(st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable()), unique=True, max_size=40)


@given(seed=st.text(max_size=20).filter(lambda text: text.isprintable()), names=keys, count=st.integers(0, 50), data=st.data())
def test_a_draw_does_not_depend_on_the_order_of_the_keys(seed: str, names: list[str], count: int, data: st.DataObject) -> None:
    drawn = draw(seed, names, count)
    assert drawn == draw(seed, data.draw(st.permutations(names)), count)
    assert len(set(drawn)) == min(count, len(names))
    assert drawn == sorted(names, key=lambda name: order(seed, name))[:count]


@given(names=keys.filter(lambda names: len(names) > 1))
def test_a_larger_sample_contains_the_smaller_one(names: list[str]) -> None:
    assert draw("s", names, len(names))[: len(names) - 1] == draw("s", names, len(names) - 1)


def test_another_seed_draws_others() -> None:
    names = [f"call-recordings/A/2026-01-01/{number}.mp3" for number in range(1_000)]
    assert set(draw("one", names, 20)) != set(draw("two", names, 20))
