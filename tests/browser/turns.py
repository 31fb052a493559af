"""Which language, width and colours a page is looked at in: one of each in `make test`, the other ones in `make slow`.

The tests that look at every page took 13 % of the suite's seconds while they did so in each language and width. Neighbouring pages differ
in all three, so each part that pages share is seen in each; a fault of one page in one language is found by `make slow` alone.
"""

from collections.abc import Iterator, Sequence

import pytest

from .screen import NARROW, WIDE

TURNS = pytest.mark.parametrize("turn", [0, pytest.param(1, marks=pytest.mark.slow)])


def turns(paths: Sequence[str], turn: int) -> Iterator[tuple[str, str, int, str]]:
    """Yield path, language, width (px) and colour scheme. Together, the turns 0 and 1 have both of each for every path."""
    for number, path in enumerate(paths):
        bits = ~number if turn else number
        yield path, ("en", "ja")[bits & 1], (WIDE, NARROW)[bits >> 1 & 1], ("light", "dark")[bits >> 2 & 1]


def of_office(paths: Sequence[str], who: str, turn: int) -> Sequence[str]:
    """Of an office admin's pages, which a company admin sees too, every other one."""
    return paths[turn::2] if who == "office" else paths
