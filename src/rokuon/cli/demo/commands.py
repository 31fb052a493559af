"""`rokuon demo`: the whole product on one machine, against a simulated Dialpad, in about a minute."""

import os
from pathlib import Path

import click

from rokuon.base.i18n import _
from rokuon.cli.install import bring_up_to_date
from rokuon.cli.main import INTERRUPTED, OK
from rokuon.cli.support.commands import Command
from rokuon.cli.support.number_types import Whole
from rokuon.cli.support.subprocesses import stoppable
from rokuon.config import Config
from rokuon.domain.failures import ConfigError
from rokuon.runtime.installation import MARKER, Installation, open_installation
from rokuon.runtime.installation import init as make_installation

from . import world
from .world import RunningWorld

RECORDINGS = 400
SEED = 1
BUCKET = "bucket"


@click.command(
    cls=Command,
    help=_(
        "Try everything on this machine: makes an installation, simulates a Dialpad company with two years of calls, opens the console, "
        "and backs up the recordings into a folder. One thing is wrong on purpose: fix it in the console, and everything is backed up. "
        "Calls go on until Ctrl-C."
    ),
)
@click.option(
    "--data", type=click.Path(path_type=Path), default=Path("demo-data"), show_default=True, metavar="DIR", help=_("Folder of the demo.")
)
@click.option("--once", is_flag=True, help=_("Without the console: back up twice and end; exit code 0 if every recording is verified."))
@click.option("--seed", type=Whole(0, 1_000_000_000), help=_("Another company with other calls. Default: 1."))
@click.option("--recordings", type=Whole(1, 1_000_000), help=_("How many recordings the company has. Default: 400."))
def demo_command(data: Path, once: bool, seed: int | None, recordings: int | None) -> int:
    folder = data.expanduser().absolute()
    world.own_environment(folder)
    listen = world.choose_console_address()
    shown = False
    try:
        with stoppable(), _installation(folder) as installation:
            with RunningWorld(_world(folder, seed, recordings)) as dialpad:
                from .run import Demo

                with Demo(installation, dialpad, folder, data, world.command(data, listen)) as demo:
                    if once:
                        return demo.back_up_twice()
                    code = demo.open()
                    shown = True
                    demo.let_calls_end()
            return code
    except KeyboardInterrupt:
        click.echo("\n" + _("Stopped; nothing is left running. `make demo` resumes where it left off."), err=True)
        return OK if shown else INTERRUPTED


def _installation(folder: Path) -> Installation:
    existed = (folder / MARKER).exists()
    config = Config.load()
    if not existed:
        click.echo(_("Making an installation in %(folder)s ...") % {"folder": os.path.relpath(folder)})
        make_installation(config)
    installation = open_installation(config)
    try:
        if existed and world.load(folder) is None and _in_use():
            raise ConfigError(_("The installation in %(folder)s is not a demo's. Choose another --data.") % {"folder": folder})
        bring_up_to_date()
        _make_bucket(folder)
    except BaseException:
        installation.close()
        raise
    return installation


def _in_use() -> bool:
    """Whether the database holds a company. A demo that was interrupted at its very beginning has none."""
    from rokuon.runtime.django_start import start_django

    start_django()
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('org_company') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return False
        cursor.execute("SELECT EXISTS (SELECT 1 FROM org_company)")
        return bool(cursor.fetchone()[0])


def _make_bucket(folder: Path) -> None:
    """Create the folder of the demo's bucket in an easy place. `buckets`, the default place of local buckets, links to the data folder."""
    (folder / BUCKET).mkdir(mode=0o700, exist_ok=True)
    allowed = folder / "buckets"
    if not allowed.is_symlink():
        if allowed.is_dir():
            allowed.rmdir()
        allowed.symlink_to(".")


def _world(folder: Path, seed: int | None, recordings: int | None) -> world.DemoWorld:
    known = world.load(folder)
    if known is None:
        return world.make(folder, SEED if seed is None else seed, RECORDINGS if recordings is None else recordings)
    if seed not in (None, known.seed) or recordings not in (None, known.recordings):
        raise ConfigError(
            _("The demo in %(folder)s was made with --seed %(seed)d --recordings %(recordings)d. Choose another --data for others.")
            % {"folder": folder, "seed": known.seed, "recordings": known.recordings}
        )
    return known
