"""Lay out a table: in columns where they fit, else one block for each row, which is readable at 80 columns."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rokuon.base.i18n import _

FOLDED = 18
"""A column of longer text may be folded to this width, in columns of the terminal, and is still read easily."""
GAP = 2
BETWEEN = "  ·  "

Row = Sequence[Text]


def laid_out(
    headings: Sequence[str], rows: Iterable[Sequence[str | Text]], *, width: int | None, right: Iterable[int] = (), title: str = ""
) -> list[RenderableType]:
    """Return what is to be printed on a terminal of that width; None: in columns, whatever they need.

    Cells are plain text, never markup: names come from another system."""
    cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    if width is None or _needs(headings, cells) <= width:
        return [_columns(headings, cells, set(right), title)]
    return [*([Text(title, style="italic")] if title else []), *(block for row in cells for block in _block(headings, row))]


def _needs(headings: Sequence[str], rows: Sequence[Row]) -> int:
    """Return the width at which every heading is folded between words only, and every cell to no less than `FOLDED`."""
    cells = [max((_width(row[place]) for row in rows), default=0) for place in range(len(headings))]
    words = [max(Text(word).cell_len for word in heading.split()) for heading in headings]
    return sum(max(word, min(cell, FOLDED)) + GAP for word, cell in zip(words, cells, strict=True)) - GAP


def _width(cell: Text) -> int:
    return max((line.cell_len for line in cell.split()), default=0)


def _columns(headings: Sequence[str], rows: Sequence[Row], numeric: set[int], title: str) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, title=escape(title) or None, title_justify="left", pad_edge=False, expand=False)
    for place, heading in enumerate(headings):
        shown.add_column(escape(heading), justify="right" if place in numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*row)
    return shown


def _block(headings: Sequence[str], row: Row) -> list[RenderableType]:
    """Return the first cell as a heading, and below it the others that are not empty, each with the name of its column."""
    named = [(heading, _on_one_line(cell)) for heading, cell in zip(headings, row, strict=True)]
    (first, name), *others = named
    said = [Text.assemble((f"{heading}: ", "dim"), cell) for heading, cell in others if cell.plain]
    title = Text.assemble((f"{first}: ", "dim"), (name.plain, "bold"))
    return [title, Padding(Text(BETWEEN).join(said), (0, 0, 1, 2), expand=False)]


def _on_one_line(cell: Text) -> Text:
    return Text(_(", ")).join(cell.split())


def show(out: Console, parts: Iterable[RenderableType]) -> None:
    for part in parts:
        out.print(part, overflow="fold")
