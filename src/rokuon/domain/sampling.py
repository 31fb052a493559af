"""Samples of recordings: how many must be read to be sure of a share, what was proven afterwards, and which ones are drawn.

Everything is computed in whole numbers: a result is exact, or the function says that it is rounded, and in which direction.
"""

import hashlib
import heapq
import math
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache


def sample_size(of: int, confidence: Fraction, damaged_below: Fraction) -> int:
    """Return the least number of `of` recordings that must be drawn and found whole to be sure (`confidence`, above 0 and below 1) that
    fewer than the share `damaged_below` (the same bounds) of them are damaged. 0 of none.

    With the least number K of damaged ones that is no longer fewer, a draw of n misses all of them with the probability
    C(of - K, n) / C(of, n), which must be less than 1 - confidence. One can be surer than 95 % that not one of 1,000 is damaged only with
    951 of them: a sample cannot prove that.
    """
    _check(confidence, damaged_below)
    damaged = math.ceil(damaged_below * of)
    least, most = 0, min(of, unlimited_size(confidence, damaged_below) + 1)  # a logarithm may be off in its last digit
    while least < most:
        middle = (least + most) // 2
        if _ruled_out(0, middle, of, damaged, confidence):
            most = middle
        else:
            least = middle + 1
    return least


def unlimited_size(confidence: Fraction, damaged_below: Fraction) -> int:
    """Return the sample size that is enough for any number of recordings: (1 - damaged_below) ** n is less than 1 - confidence."""
    _check(confidence, damaged_below)
    return math.floor(math.log(1 - confidence) / math.log1p(-float(damaged_below))) + 1


def most_damaged(bad: int, drawn: int, of: int, confidence: Fraction) -> int:
    """Return the largest number of damaged ones among `of` that finding `bad` among `drawn` does not rule out with this confidence: the
    one-sided upper bound of Clopper and Pearson, for a draw without replacement. At least `bad`; exactly `bad` if all were drawn."""
    if not 0 <= bad <= drawn <= of:
        raise ValueError(f"{bad} of {drawn} of {of}")
    possible, step = bad, max(1, of // max(1, drawn))
    highest = of - (drawn - bad)
    likely = min(highest, bad * of // max(1, drawn))
    if likely > bad and not _ruled_out(bad, drawn, of, likely, confidence):
        possible = likely
    while (tried := possible + step) <= highest:
        if _ruled_out(bad, drawn, of, tried, confidence):
            highest = tried - 1
            break
        possible, step = tried, step * 2
    while possible < highest:
        middle = (possible + highest + 1) // 2
        if _ruled_out(bad, drawn, of, middle, confidence):
            highest = middle - 1
        else:
            possible = middle
    return possible


def millionths(damaged: int, of: int) -> int:
    """Return the share in millionths, rounded up: a bound must not be stated as lower than it is."""
    return math.ceil(Fraction(damaged * 1_000_000, of)) if of else 0


def order(seed: str, key: str) -> bytes:
    """Return the place of an object key in the draw with this seed: the recordings with the smallest values are drawn.

    It is the SHA-256 of the seed in UTF-8 immediately followed by `key_sha256` as it is written in a custody manifest: the SHA-256 of the
    object key in UTF-8, as 64 lower-case hexadecimal digits. So a stranger who has the manifests computes the same, in a shell with
    `printf %s "$SEED$KEY_SHA256" | sha256sum`. The places of two keys never agree, so no rule for equal ones is needed.
    """
    key_sha256 = hashlib.sha256(key.encode()).hexdigest()
    return hashlib.sha256(f"{seed}{key_sha256}".encode()).digest()


def draw(seed: str, keys: Iterable[str], count: int) -> list[str]:
    """Return the `count` keys that are drawn, in their order in the draw. Memory grows with `count`, not with the number of keys."""
    return heapq.nsmallest(count, keys, key=lambda key: order(seed, key))


_comb = lru_cache(maxsize=2)(math.comb)
"""Asked for again and again with the same numbers while a bound is searched."""


def _check(confidence: Fraction, damaged_below: Fraction) -> None:
    if not (0 < confidence < 1 and 0 < damaged_below < 1):
        raise ValueError(f"confidence {confidence}, damaged below {damaged_below}")


def _ruled_out(bad: int, drawn: int, of: int, damaged: int, confidence: Fraction) -> bool:
    """Whether `damaged` of `of` would show at most `bad` among `drawn` with a probability below 1 - confidence."""
    # Drawn and damaged may change places; the smaller one keeps the numbers short.
    few, many = sorted((drawn, damaged))
    least, found = max(0, few + many - of), min(bad, few)
    if least > found:
        return True
    limit = _comb(of, few) * (confidence.denominator - confidence.numerator)
    ways = math.comb(many, found) * math.comb(of - many, few - found) * confidence.denominator
    seen = ways
    while least < found and seen < limit:
        shrinks, by = found * (of - many - few + found), (many - found + 1) * (few - found + 1)
        # Each term is to the one before it at most as this one is to the last: what is left is less than a geometric series.
        if shrinks < by and seen * (by - shrinks) + ways * shrinks < limit * (by - shrinks):
            return True
        ways = ways * shrinks // by
        seen += ways
        found -= 1
    return seen < limit
