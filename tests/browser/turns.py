"""Which language, width and colours a page is looked at in: one of each in `make test`, the other ones in `make slow`.

Looking at each page in every language and width is a third of the suite's work and finds what one look finds, but for words and rules of
one language. Neighbouring pages differ in all three, so each part that pages share is seen in each.
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
