"""Holds the JSON of a command against its schema in docs/reference/json. Every command that a test runs with --json comes through here."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference" / "json"
LINES = {"backup-now", "retry"}
"""Commands that may write one object for each line."""


def schema_of(arguments: Sequence[str]) -> str | None:
    """Return the name of the schema of this command line: that of the longest command that it begins with."""
    names = ["-".join(arguments[:length]) for length in range(len(arguments), 0, -1)]
    return next((name for name in names if (FOLDER / f"{name}.json").exists()), None)


def hold(arguments: Sequence[str], out: str) -> None:
    """Raises AssertionError if the command has no schema, or wrote anything that its schema does not name."""
    name = schema_of(arguments)
    assert name is not None, f"{arguments[0]} --json has no schema: tools/json_schemas.py"
    for value in _values(name, out):
        wrong = [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in validator(name).iter_errors(value)]
        assert wrong == [], f"{name}: not what tools/json_schemas.py promises"


def _values(name: str, out: str) -> list[Any]:
    if name in LINES and not out.startswith("{\n"):
        return [json.loads(line) for line in out.splitlines()]
    return [json.loads(out)]


@cache
def validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(closed(schema))


def closed(schema: Any) -> Any:
    """Return the schema with no room for a field that it does not name: a reader may get new ones, but we write none unnoticed."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    return {**inner, "additionalProperties": False} if "properties" in schema and "required" in schema else inner
