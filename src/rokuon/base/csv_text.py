"""Write CSV that a spreadsheet opens as text, whatever a name contains (RFC 4180; ASVS 1.2.10, row Q36)."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence

BEFORE_A_FORMULA = tuple("=+-@\t\r\n\0＝＋－＠")
"""Characters that make a spreadsheet read a cell as a formula, and full-width forms that some read the same way."""


_WITHIN = re.compile(r"([;|\t\r\n]\s*)(?=[=+\-@＝＋－＠])")
"""Places where a new cell would begin within a text in a spreadsheet whose separator is not the comma."""


def safe(cell: object) -> str:
    """Return the cell's text, with an apostrophe before a possible formula: a number such as +81 3 1234 5678 gets one, too."""
    text = _WITHIN.sub(r"\1'", "" if cell is None else str(cell))
    return f"'{text}" if text.startswith(BEFORE_A_FORMULA) else text


class _Line:
    """File object for the csv writer: returns each row instead of storing it."""

    def write(self, row: str) -> str:
        return row


def lines(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Yield one line per row, every cell quoted, and before the first the byte order mark by which Excel recognises UTF-8."""
    writer = csv.writer(_Line(), quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    yield "\ufeff" + writer.writerow([safe(heading) for heading in headings])
    for row in rows:
        yield writer.writerow([safe(cell) for cell in row])
