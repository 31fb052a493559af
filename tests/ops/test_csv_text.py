"""Cells that a spreadsheet would run (row Q36)."""

import csv
import io

import pytest

from rokuon.base import csv_text

FORMULAS = [
    "=1+1",
    '=HYPERLINK("https://evil.example","click")',
    "=cmd|' /C calc'!A0",
    "+81 3 1234 5678",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1+9)",
    "\t1+1",
    "\r1+1",
    "\n1+1",
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


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("\t=1+1", "'\t'=1+1"),
        ("\n@A1", "'\n'@A1"),
        ("Ann;=1+1", "Ann;'=1+1"),
        ("Ann\t@SUM(1)", "Ann\t'@SUM(1)"),
        ("a\r\n=1", "a\r\n'=1"),
        (";-1;+2", ";'-1;'+2"),
        ("a | =1", "a | '=1"),
    ],
)
def test_what_begins_a_cell_where_another_separator_is_set_is_text_too(cell: str, told: str) -> None:
    assert read([[cell, 1]])[1] == [told, "1"]
    halves = next(csv.reader(io.StringIO("".join(csv_text.lines([cell], [])).removeprefix("\ufeff")), delimiter=";"))
    assert not [one for one in halves if one.lstrip().startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("cell", TEXTS)
def test_any_other_text_comes_back_as_it_was(cell: str) -> None:
    assert read([[cell, None]])[1] == [cell, ""]


def test_headings_are_cells_too() -> None:
    assert read([])[0] == ["Name", "'=Heading"]
