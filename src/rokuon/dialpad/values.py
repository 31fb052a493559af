"""Parses single values of Dialpad's JSON in every form that was seen: numbers as text or floats, ids, words, times.

An invalid value is read as none; nothing here raises.
"""

import re
from typing import Any

Json = Any

# 2000-01-01: long before Dialpad existed, and far above any time that is in seconds by mistake.
EARLIEST_MS = 946_684_800_000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_MAX_TEXT = 4_000
ID = re.compile(r"[A-Za-z0-9._:@-]{1,200}")


def to_int(value: Json) -> int | None:
    """Parse an integer of up to 64 bits from a number, a whole or fractional float, or decimal text; None for anything else."""
    kind = type(value)
    if kind is str:
        text = value.strip()
        if not 0 < len(text) <= 40:
            return None
        try:
            number = int(text) if text.lstrip("-").isdecimal() else round(float(text))
        except (ValueError, OverflowError):
            return None
    elif kind is int:
        number = value
    elif kind is float:
        try:
            number = round(value)
        except (ValueError, OverflowError):
            return None
    else:
        return None
    return number if -(2**63) <= number < 2**64 else None


def to_id(value: Json) -> str:
    """Return an id as text, "" if there is none. The source writes 0 for "none"."""
    kind = type(value)
    if kind is str:
        return value if value != "0" and ID.fullmatch(value) else ""
    if kind is int:
        return str(value) if 0 < value < 2**64 else ""
    # A float is exact up to 2^53; above that, the digits are not those of the id.
    if kind is float and 0 < value <= 2**53 and value == int(value):
        return str(int(value))
    return ""


def normal_type(value: Json) -> str:
    """Normalise a type name: `call_center`, `CallCenter` and `callcenter` are the same (docs/design/dialpad.md 2.10)."""
    return value.replace("_", "").replace("-", "").lower() if isinstance(value, str) else ""


def to_text(value: Json) -> str:
    """Return text that a database can store: NUL becomes a space, a lone surrogate the replacement character."""
    if not isinstance(value, str):
        return ""
    text = value[:_MAX_TEXT]
    return _UNSTORABLE.sub(lambda match: " " if match[0] == "\0" else "\ufffd", text) if _UNSTORABLE.search(text) else text


def to_time(value: Json, latest_ms: int) -> int | None:
    """Parse epoch milliseconds between the year 2000 and `latest_ms`; None for an impossible time."""
    number = to_int(value)
    return number if number is not None and EARLIEST_MS <= number <= latest_ms else None
