"""`rokuon simulator`: call the simulator's own command line."""

import click

from rokuon.base.i18n import _
from rokuon.simulator.__main__ import main

from .support.commands import Command


@click.command(
    cls=Command,
    help=_("Run a simulated Dialpad on this machine until Ctrl-C. `rokuon simulator -- --help` lists its options."),
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[OPTION]...")
def simulator_command(arguments: tuple[str, ...]) -> int:
    return main(list(arguments))
