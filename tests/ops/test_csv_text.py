"""Cells that a spreadsheet would run (row Q36)."""

import csv
import io

import pytest

from rokuon.ops import csv_text

FORMULAS = [
    "=1+1",
    '=HYPERLINK("https://evil.example","click")',
    "=cmd|' /C calc'!A0",
    "+81 3 1234 5678",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+9)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "\0=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    "=",
    "-",
]
TEXTS = ["", "営業部", "a=b", "O'Brien", 'say "hi"', "a,b", "two\nlines", "مركز الدعم", "1234", "'=1", " =1", "A-1", "\u202e=1", "😀"]


def read(rows: list[list[object]]) -> list[list[str]]:
    text = "".join(csv_text.lines(["Name", "=Heading"], rows))
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.mark.parametrize("cell", FORMULAS)
def test_what_could_be_a_formula_is_text(cell: str) -> None:
    assert read([[cell, 1]])[1] == [f"'{cell}", "1"]


@pytest.mark.parametrize("cell", TEXTS)
def test_any_other_text_comes_back_as_it_was(cell: str) -> None:
    assert read([[cell, None]])[1] == [cell, ""]


def test_headings_are_cells_too() -> None:
    assert read([])[0] == ["Name", "'=Heading"]
