"""Translate click's own help and errors into the reader's language, and lay them out to the terminal's width.

click looks its messages up with Python's gettext, which reads the environment; here they come from Rokuon's catalogue and follow Rokuon's
choice of language. click also counts a character as one column, which is wrong for Japanese, and breaks lines at spaces only.
"""

import gettext
import os
import re
from collections.abc import Iterable, Iterator

import click
from rich.cells import cell_len

from rokuon.base import i18n
from rokuon.domain.failures import N_

# Never at the beginning of a line, and never at the end of one (kinsoku).
_CLOSING = "、。，．・：；？！）」』】〉》〕ー々～…ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
_OPENING = "（「『【〈《〔"
_KATAKANA = "ァ-ヺー"
UNIT = re.compile(rf"[{_OPENING}]*(?:[!-~]+|[{_KATAKANA}]+|[^!-~\s])[{_CLOSING}]*|\s+")
"""What stays on one line: a word of Latin letters or katakana, or one other character, with its punctuation; or white space."""


def NN_(singular: str, plural: str) -> None:
    """Marks a message of click's with a plural for the catalogue."""


CLICK = (
    N_("Usage:"),
    N_("Options"),
    N_("Show this message and exit."),
    N_("default: {default}"),
    N_("required"),
    N_("Error: {message}"),
    N_("Try '{command} {option}' for help."),
    N_("Invalid value: {message}"),
    N_("Invalid value for {param_hint}: {message}"),
    N_("Missing argument"),
    N_("Missing option"),
    N_("Missing command."),
    N_("Choose from:\n\t{choices}"),
    N_("No such option {name!r}."),
    N_("No such command {name!r}."),
    N_("Option {name!r} does not take a value."),
    N_("{value!r} is not a valid {number_type}."),
    N_("{value} is not in the range {range}."),
    N_("{name} {filename!r} is a directory."),
    N_("file"),
    N_("path"),
)
NN_("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)")
NN_("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})")
NN_("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments.")
NN_("{value!r} is not {choice}.", "{value!r} is not one of {choices}.")


def teach_click() -> None:
    """Set the language of click's own messages to that of `i18n`, for this process."""
    os.environ["LANGUAGE"] = i18n.language()
    gettext.bindtextdomain("django", str(i18n.LOCALE_DIR))
    gettext.textdomain("django")
    click.Context.formatter_class = Formatter


class Formatter(click.HelpFormatter):
    """Lays out text that is not plain ASCII by its width in columns; all other text as click does."""

    def write_text(self, text: str) -> None:
        if text.isascii():
            super().write_text(text)
            return
        indent = " " * self.current_indent
        for line in wrap(text, self.width - self.current_indent):
            self.write(f"{indent}{line}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        table = list(rows)
        if all(second.isascii() for _first, second in table):
            super().write_dl(table, col_max, col_spacing)
            return
        column = min(max(cell_len(first) for first, _second in table), col_max) + col_spacing
        for first, second in table:
            gap = column - cell_len(first)
            lines = wrap(second, max(self.width - self.current_indent - column, 10))
            if gap < col_spacing:
                lines = ["", *lines]
            head = f"{'':{self.current_indent}}{first}{'':{max(gap, 0)}}"
            for number, line in enumerate(lines or [""]):
                self.write(f"{head if number == 0 else ' ' * (self.current_indent + column)}{line}".rstrip() + "\n")


def wrap(text: str, width: int) -> list[str]:
    """Break the text into lines of at most `width` columns. A line may end at a space or between two Japanese characters that may be
    separated; never in a word of Latin letters or katakana."""
    return list(_lines(text, width))


def _lines(text: str, width: int) -> Iterator[str]:
    line = ""
    for unit in UNIT.findall(text):
        if line and cell_len(line + unit.rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += unit if line else unit.lstrip()
    if line.strip():
        yield line.rstrip()
