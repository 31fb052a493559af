"""Ids of rows as text from outside names them: in addresses, forms, cursors and commands."""

import re

MOST_ID = 2**63 - 1
"""What the database's own kind of id holds."""

_DIGITS = re.compile(r"[0-9]{1,19}")


def row_id(text: str) -> int | None:
    """The id, or None for a text that can name no row: not of ASCII digits alone, or beyond 64 bits.

    `int()` is no judge of that: it takes signs, blanks, underscores and the digits of every script, and raises an error for 4,301 digits.
    """
    if not _DIGITS.fullmatch(text):
        return None
    number = int(text)
    return number if number <= MOST_ID else None
