"""The table of faults names tests that exist, and each of its rows has a test."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/design/failure-model.md").read_text()
ROW = re.compile(r"^\| ([SWDECKV]\d+(?:-E\d+)?) \| (.+?) \| (.*?) \| (.*?) ?\|$", re.MULTILINE)
LINK = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
DECISION = re.compile(r"[Dd]ecided otherwise: \[decision (\d+)\]\(decisions\.md#(\d+)-[\w-]+\)")

ROWS = {row: (outcome, held_by) for row, _, outcome, held_by in ROW.findall(TEXT)}
ALL = [f"{letter}{number}" for letter, last in (("S", 33), ("W", 13), ("C", 18), ("K", 14), ("V", 11)) for number in range(1, last + 1)]
LATER = ["D10", "E17", "E25", "E28"]
"""Rows of parts that do not exist yet, and rows with figures instead of tests."""


@cache
def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_the_table_has_every_row_once_and_in_order() -> None:
    rows = [row for row, *_ in ROW.findall(TEXT)]
    assert len(rows) == len(set(rows))
    assert [row for row in rows if row[0] in "SWCKV"] == ALL


def test_every_row_has_a_test() -> None:
    without = {row for row, (_, held_by) in ROWS.items() if not LINK.search(held_by)}
    assert without == set(LATER), "give it a test, or take it from the list here"


@pytest.mark.parametrize("row", ROWS)
def test_the_tests_of_a_row_exist(row: str) -> None:
    outcome, held_by = ROWS[row]
    assert LINK.sub("", held_by).strip(", ") == "", "a test is named as `tests/folder/test_file.py::test_name`"
    for path, name in LINK.findall(held_by):
        assert (ROOT / path).is_file(), path
        assert name.startswith("test_") and name in functions(path), f"{path} has no {name}"
    assert outcome, "say what comes of it"


def test_what_was_decided_otherwise_names_its_decision() -> None:
    decisions = set(re.findall(r"^## (\d+)\. ", (ROOT / "docs/design/decisions.md").read_text(), re.MULTILINE))
    for row, (outcome, _) in ROWS.items():
        named = DECISION.findall(outcome)
        assert bool(named) == ("decided otherwise" in outcome.lower()), f"{row}: name the decision"
        for number, anchor in named:
            assert number == anchor and number in decisions, f"{row}: there is no decision {number}"
