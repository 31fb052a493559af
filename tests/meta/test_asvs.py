"""docs/design/asvs.md names each requirement of ASVS 5.0.0 at levels 1 and 2 once, its counts are correct, and its evidence exists."""

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/design/asvs.md").read_text()
# Number of requirements of levels 1 and 2 in each section; they are numbered from 1.
SECTIONS = {
    1: {1: 2, 2: 9, 3: 11, 4: 3, 5: 2},
    2: {1: 3, 2: 3, 3: 4, 4: 1},
    3: {2: 2, 3: 4, 4: 6, 5: 5, 7: 2},
    4: {1: 3, 2: 1, 3: 2, 4: 4},
    5: {1: 1, 2: 3, 3: 2, 4: 3},
    6: {1: 3, 2: 12, 3: 4, 4: 4, 5: 5, 6: 3, 8: 4},
    7: {1: 3, 2: 4, 3: 2, 4: 5, 5: 2, 6: 2},
    8: {1: 2, 2: 3, 3: 1, 4: 1},
    9: {1: 3, 2: 4},
    10: {1: 2, 2: 2, 3: 4, 4: 11, 5: 5, 6: 2, 7: 3},
    11: {1: 2, 2: 3, 3: 3, 4: 4, 5: 1, 6: 1},
    12: {1: 3, 2: 2, 3: 4},
    13: {1: 1, 2: 5, 3: 2, 4: 5},
    14: {1: 2, 2: 4, 3: 3},
    15: {1: 3, 2: 3, 3: 7},
    16: {1: 1, 2: 5, 3: 4, 4: 3, 5: 3},
    17: {1: 1, 2: 4, 3: 2},
}
ROW = re.compile(r"^\| ([0-9., ]+) \| (met|partly|not met|n/a) \| (.+) \|$", re.MULTILINE)
STATES = ("met", "partly", "not met", "n/a")


def said() -> list[tuple[str, str]]:
    return [(number, state) for numbers, state, _evidence in ROW.findall(PAGE) for number in numbers.split(", ")]


def test_each_requirement_of_level_1_and_2_stands_there_once() -> None:
    wanted = [f"{c}.{s}.{n}" for c, sections in SECTIONS.items() for s, count in sections.items() for n in range(1, count + 1)]
    assert len(wanted) == 253
    assert Counter(number for number, _state in said()) == Counter(wanted)


def test_the_counts_are_those_of_the_rows() -> None:
    by_chapter = Counter((int(number.split(".")[0]), state) for number, state in said())
    for chapter in SECTIONS:
        cells = re.search(rf"^\| V{chapter} [^|]+\| (.+) \|$", PAGE, re.MULTILINE)
        assert cells is not None
        assert [int(cell) for cell in cells[1].split(" | ")] == [by_chapter[chapter, state] for state in STATES]
    totals = Counter(state for _number, state in said())
    assert f"| all 253 | {' | '.join(str(totals[state]) for state in STATES)} |" in PAGE
    assert f"{totals['not met']} requirements are not met and {totals['partly']} only partly" in PAGE


def test_every_file_that_is_evidence_is_there() -> None:
    named = set(re.findall(r"`([a-z_./]+(?:\.py|\.conf)|(?:tests|deploy)/[A-Za-z_/]+)`", PAGE))
    missing = [path for path in named if not (ROOT / path).exists() and not (ROOT / "src/rokuon" / path).exists()]
    assert len(named) > 50
    assert missing == []


def test_what_is_said_to_be_met_names_its_evidence() -> None:
    short = [numbers for numbers, state, evidence in ROW.findall(PAGE) if state == "met" and len(evidence) < 12]
    assert short == []
