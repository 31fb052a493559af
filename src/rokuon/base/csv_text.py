"""Tables as CSV that a spreadsheet opens as text, whatever a name holds (RFC 4180; ASVS 1.2.10, row Q36)."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence

BEFORE_A_FORMULA = tuple("=+-@\t\r\n\0＝＋－＠")
"""What makes a spreadsheet read a cell as a formula, and the full-width forms that some read the same way."""


_WITHIN = re.compile(r"([;|\t\r\n]\s*)(?=[=+\-@＝＋－＠])")
"""Where a new cell would begin within a text, for a spreadsheet that is set to another separator than the comma."""


def safe(cell: object) -> str:
    """The cell's text, with an apostrophe before what could be a formula: a number such as +81 3 1234 5678 gets one, too."""
    text = _WITHIN.sub(r"\1'", "" if cell is None else str(cell))
    return f"'{text}" if text.startswith(BEFORE_A_FORMULA) else text


class _Line:
    """What csv writes to: each row is handed straight on."""

    def write(self, row: str) -> str:
        return row


def lines(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """One piece of text for each row, every cell quoted, with the mark by which Excel knows UTF-8 before the first."""
    writer = csv.writer(_Line(), quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    yield "\ufeff" + writer.writerow([safe(heading) for heading in headings])
    for row in rows:
        yield writer.writerow([safe(cell) for cell in row])
