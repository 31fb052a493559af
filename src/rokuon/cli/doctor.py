"""`rokuon doctor`: everything that a person would otherwise have to guess, each with what to do."""

from collections.abc import Callable, Iterator
from typing import Any

import click
from django.db import connections

from rokuon.config import Config
from rokuon.domain.failures import RokuonError
from rokuon.ops.i18n import _
from rokuon.ops.installation import open_installation

from . import output
from .checks import Check, Level, company_checks, database_checks, machine_checks
from .main import FINISHED_WITH_FAILURES, OK
from .session import Session
from .web_checks import web_checks

_MARKS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.PROBLEM: ("✗", "bold red")}


@click.command(
    help=_(
        "Check the data folder, the database, workers, the way to the console, mail, clock, keys, buckets and disk space. Exit code 1 if "
        "there is a problem."
    )
)
@click.option("--json", "as_json", is_flag=True, help=_("Write JSON for machines."))
def doctor_command(as_json: bool) -> int:
    found: list[Check] = []
    for check in _all_checks():
        found.append(check)
        if not as_json:
            mark, style = _MARKS[check.level]
            click.echo(f"{click.style(mark, fg=style.split()[-1])} {check.what}: {check.says}")
            if check.todo:
                click.echo(f"    → {check.todo}")
    problems = sum(check.level is Level.PROBLEM for check in found)
    if as_json:
        output.write_json({"problems": problems, "checks": [_told(check) for check in found]})
    elif problems:
        output.say(_("Problems: %(count)d.") % {"count": problems})
    else:
        output.say(_("No problem was found."))
    return FINISHED_WITH_FAILURES if problems else OK


def _all_checks() -> Iterator[Check]:
    config = Config.load()
    yield from machine_checks(config)
    try:
        installation = open_installation(config)
    except RokuonError as error:
        yield Check(_("Installation"), Level.PROBLEM, str(error))
        return
    with installation:
        try:
            session = Session(config, installation)
            parts: list[Callable[[Session], Iterator[Check]]] = [database_checks, web_checks, company_checks]
            for part in parts:
                for check in part(session):
                    yield check
                    if check.stops:
                        return
        finally:
            connections.close_all()


def _told(check: Check) -> dict[str, Any]:
    return {"what": check.what, "level": check.level.value, "says": check.says, "todo": check.todo or None}
