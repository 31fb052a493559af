"""The one form of a JSON line in a custody file (docs/design/custody.md), so that a repeated try makes the same bytes."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

Value = str | int | bool | Mapping[str, "Value"] | Sequence["Value"]
Fields = Mapping[str, Value]
"""A mapping is a dict, and a sequence a list or tuple."""

_KEY = re.compile(r"[a-z][a-z0-9_]*\Z")
_LARGEST = 2**53 - 1
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def line(fields: Fields) -> bytes:
    """Return the line with its LF. Raises ValueError for a value that the format does not know: null, a fraction, a large number, a key
    that is not lower-case ASCII, text that is not valid UTF-8."""
    _check(fields)
    return _encode(fields).encode() + b"\n"


def known(fields: Mapping[str, Value | None]) -> dict[str, Value]:
    """Return the fields without those that are None: what is unknown is left out."""
    return {name: value for name, value in fields.items() if value is not None}


def second(when: datetime) -> str:
    """Return a time in UTC, in whole seconds."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def millisecond(when: datetime) -> str:
    """Return a time in UTC with milliseconds, cut below."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"


def microsecond(when: datetime) -> str:
    """Return a time in UTC with microseconds."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _check(value: object) -> None:
    if isinstance(value, str):
        return  # what is not valid UTF-8 cannot be encoded
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise ValueError("a number of a custody line is at most 2^53 - 1")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_key(key)
            _check(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _check(inner)
    else:
        raise ValueError(f"a custody line holds no {type(value).__name__}")


@lru_cache(maxsize=256)
def _check_key(key: object) -> None:
    if not isinstance(key, str) or not _KEY.match(key):
        raise ValueError("a key of a custody line is lower-case ASCII")
