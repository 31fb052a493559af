"""`rokuon completion`: print the script by which a shell completes commands and options."""

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from rokuon.base.i18n import _

from .main import rokuon
from .support.commands import Command

SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
VARIABLE = "_ROKUON_COMPLETE"
"""The variable by which the script asks this program; click derives the same name from the program's."""


@click.command(
    cls=Command,
    help=_(
        "Print a script that lets your shell complete the commands and options of Rokuon with the Tab key. Store it where the shell looks "
        "for such scripts, then open a new shell."
    ),
)
@click.argument("shell", type=click.Choice(list(SHELLS)))
def completion_command(shell: str) -> None:
    click.echo(SHELLS[shell](rokuon, {}, "rokuon", VARIABLE).source())
