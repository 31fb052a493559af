"""One name, one meaning: a class name stands for one thing in the whole of Rokuon."""

import ast
from collections import defaultdict
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "rokuon"

SAME_THING = {"Call", "Company", "Office", "Recording", "Target", "User"}
"""What Dialpad has: as the rules read it (`domain`), as tables keep it (`ledger`, `org`), and as the simulator invents it."""


def classes() -> dict[str, list[str]]:
    found = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        if "migrations" not in path.parts:
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    found[node.name].append(path.relative_to(SOURCE).as_posix())
    return found


def test_no_class_name_stands_for_two_things() -> None:
    twice = {name: paths for name, paths in classes().items() if len(paths) > 1 and name not in SAME_THING}
    # The simulator judges Rokuon and reads none of it, so both may use a word of the field.
    assert {name: paths for name, paths in twice.items() if sum(not path.startswith("simulator/") for path in paths) > 1} == {}


def test_the_exceptions_are_needed() -> None:
    known = classes()
    assert {name for name in SAME_THING if len(known[name]) < 2} == set()
