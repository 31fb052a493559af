"""Our own dotted names in strings (settings, `python -m`) exist: after a rename, no string may keep the old name."""

import ast
import importlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "rokuon"


def dotted() -> Iterator[str]:
    for path in SOURCE.rglob("*.py"):
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            parts = node.value.split(".") if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
            # Jobs and locks have names such as "rokuon.due".
            if parts[:1] == ["rokuon"] and len(parts) > 2 and all(map(str.isidentifier, parts)):
                yield ".".join(parts)


@pytest.mark.parametrize("name", sorted(set(dotted())))
def test_a_dotted_name_names_a_module_or_something_in_one(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    found = find_spec(module)
    assert found is not None
    inside = found.submodule_search_locations is not None and find_spec(name) is not None
    assert inside or hasattr(importlib.import_module(module), attribute)


def test_names_are_found() -> None:
    assert "rokuon.wsgi.application" in set(dotted())
