"""Tables on narrow terminals: nothing is cut, nothing is wider than the terminal, and every value keeps its name."""

import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from rokuon.cli.support import tables

from .conftest import Rokuon

NARROW = {"COLUMNS": "80", "TTY_COMPATIBLE": "1", "NO_COLOR": "1", "TERM": "xterm"}


@pytest.mark.parametrize("language", ["C.UTF-8", "ja_JP.UTF-8"])
def test_a_wide_table_is_readable_at_80_columns(ready: Rokuon, language: str) -> None:
    answer = ready("status", LANG=language, **NARROW)
    shown = re.sub("\x1b\\[[0-9;]*m", "", answer.out)
    assert [line for line in shown.splitlines() if "·" in line and cell_len(line) > 80] == []
    blocks = shown.split("\n\n")
    for target in ready("status", "--json").json["targets"]:
        assert any(target["name"] in block and f"{target['discovered']:,}" in block for block in blocks)


def test_a_table_that_fits_stays_a_table(ready: Rokuon) -> None:
    wide = ready("status", **{**NARROW, "COLUMNS": "150"})
    assert "───" in wide.out
    narrow = ready("company", "list", **NARROW)
    assert "───" in narrow.out


def test_a_name_with_markup_is_shown_as_it_is() -> None:
    for width in (30, 140):
        out = Console(width=width, no_color=True, force_terminal=False)
        with out.capture() as seen:
            tables.show(out, tables.laid_out(["Target", "Count", "Advice"], [["[red]Billing[/red]", "1", "x" * 60]], width=width))
        assert "[red]Billing[/red]" in seen.get()
        assert seen.get().replace("\n", "").replace(" ", "").count("x") == 60, "folded and not cut"
