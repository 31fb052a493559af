"""Parse ids of rows from external text: URLs, forms, cursors and commands."""

import re

MOST_ID = 2**63 - 1
"""The largest id that the database's type holds."""

_DIGITS = re.compile(r"[0-9]{1,19}")


def row_id(text: str) -> int | None:
    """Return the id, or None for a text that cannot be the id of a row: other characters than ASCII digits, or more than 64 bits.

    `int()` is not strict enough: it accepts signs, blanks, underscores and the digits of every script, and raises an error for 4,301
    digits.
    """
    if not _DIGITS.fullmatch(text):
        return None
    number = int(text)
    return number if number <= MOST_ID else None
