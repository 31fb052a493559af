"""Writes the man page of `rokuon` from the help of its commands, in one language.

python tools/man_page.py en|ja    print the page

`make reference` keeps both in docs/reference; an installation puts them where `man` looks.
"""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
from rokuon.base import i18n

if __name__ == "__main__":
    # The page shows the code's defaults, not the settings of this machine.
    for _name in [name for name in os.environ if name.startswith("ROKUON_")]:
        del os.environ[_name]
    i18n.activate(sys.argv[1])

import click

from rokuon.base.i18n import _, first_sentence
from rokuon.cli import main as cli
from rokuon.cli.examples import EXAMPLES
from rokuon.cli.support.click_i18n import UNIT, teach_click

HEADINGS = {
    "en": ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS", "FILES", "SEE ALSO"),
    "ja": ("名前", "書式", "説明", "オプション", "コマンド", "終了コード", "ファイル", "関連項目"),
}
DATA = {"en": "The data folder: ROKUON_DATA_DIR, or --data.", "ja": "データフォルダー。ROKUON_DATA_DIR または --data で指定します。"}
MORE = {"en": "docs/guide.md and docs/reference of Rokuon", "ja": "Rokuon の docs/guide.ja.md と docs/reference"}


def page() -> str:
    """Return the page in the language of `i18n`."""
    teach_click()
    language = i18n.language()
    name, synopsis, description, options, commands, codes, files, more = HEADINGS[language]
    group = cli.rokuon
    root = click.Context(group, info_name="rokuon", **group.context_settings)
    lines = [
        '.\\" Written by tools/man_page.py. Do not edit: run `make reference`.',
        ".TH ROKUON 1",
        ".ad l",
        f".SH {name}",
        f"rokuon \\- {text(first_sentence(group.help or ''))}",
        f".SH {synopsis}",
        *usage(group, root),
        f".SH {description}",
        text(group.help or ""),
        f".SH {options}",
        *described(options_of(group, root)),
        f".SH {commands}",
        *below(group, root),
        f".SH {codes}",
        *described((code, _(meaning)) for code, meaning in cli.EXIT_CODES),
        f".SH {files}",
        *described([("rokuon-data/", DATA[language])]),
        f".SH {more}",
        text(MORE[language]),
    ]
    return "\n".join(lines) + "\n"


def below(group: click.Group, context: click.Context) -> Iterator[str]:
    """Yield the part of each command below the group that the help shows."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        child = click.Context(command, parent=context, info_name=name, help_option_names=context.help_option_names)
        yield f".SS {text(child.command_path)}"
        yield from usage(command, child)
        yield f".PP\n{text(command.help or '')}"
        yield from described(options_of(command, child))
        for purpose, line in EXAMPLES.get(child.command_path, ()):
            yield f".PP\n{text(_(purpose) + ':')}\n.RS 4\n.nf\n{text(line)}\n.fi\n.RE"
        if isinstance(command, click.Group):
            yield from below(command, child)


def usage(command: click.Command, context: click.Context) -> list[str]:
    return [f"\\fB{text(context.command_path)}\\fR {text(' '.join(command.collect_usage_pieces(context)))}"]


def options_of(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """Yield the options without --help, which every command has."""
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and "--help" not in parameter.opts and isinstance(parameter, click.Option):
            yield record


def described(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    for term, meaning in pairs:
        yield f".TP\n\\fB{text(term)}\\fR\n{text(meaning)}"


def text(plain: str) -> str:
    """Return the text as roff reads it literally: no escape, no request at the beginning of a line, hyphens that can be copied."""
    plain = re.sub(r"\s+", " ", plain)
    # Japanese may break between its words without a space.
    escaped = plain if plain.isascii() else "\0".join(UNIT.findall(plain)).replace("\0 \0", " ")
    for character, roff in (("\\", "\\e"), ("-", "\\-"), ("`", "\\(ga"), ("~", "\\(ti"), ("^", "\\(ha"), ("\0", "\\:")):
        escaped = escaped.replace(character, roff)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    sys.stdout.write(page())
