"""`rokuon verifier`: print the standalone program that checks a bucket without Rokuon."""

from pathlib import Path

import click

import rokuon.custody
from rokuon.base.i18n import _

from .support.commands import Command


@click.command(
    cls=Command,
    help=_(
        "Print rokuon_verify.py, the program with which an auditor checks a bucket without Rokuon and without trusting it. It is one file "
        "for Python 3.9 or newer, needs no other package and no network, and changes nothing. It reads a downloaded bucket, or the custody "
        "files and a listing, and checks every signature, hash and sum. Its exit code is 0 if everything is proven, 1 if something is "
        "wrong, 2 if it cannot read its input, and 3 if nothing is wrong but something could not be proven. docs/verify.md explains each "
        "step."
    ),
)
def verifier_command() -> None:
    source = Path(rokuon.custody.__file__).with_name("rokuon_verify.py")
    click.echo(source.read_bytes(), nl=False)
