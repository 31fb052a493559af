"""`rokuon doctor`: everything that a person would otherwise have to guess, each with what to do."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import click
from django.db import connections

from rokuon.config import Config
from rokuon.domain.failures import RokuonError
from rokuon.ops.i18n import _
from rokuon.ops.installation import open_installation

from . import output
from .checks.check import Check, Level
from .checks.company import company_checks
from .checks.database import database_checks
from .checks.machine import machine_checks
from .checks.mail import mail_checks
from .checks.web import web_checks
from .main import FINISHED_WITH_FAILURES, OK
from .session import Session

_MARKS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.PROBLEM: ("✗", "bold red")}


@click.command(
    help=_(
        "Check the data folder, disks, dumps, the database, workers, the way to the console, mail and who can be told, clocks, keys and "
        "their scopes, events, sweeps and buckets. Nothing is changed. Exit code 1 if there is a problem."
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
    yield from machine_checks(config, datetime.now(UTC))
    try:
        installation = open_installation(config)
    except RokuonError as error:
        yield Check(_("Installation"), Level.PROBLEM, str(error))
        return
    with installation:
        try:
            session = Session(config, installation)
            parts: list[Callable[[Session], Iterator[Check]]] = [database_checks, web_checks, mail_checks, company_checks]
            for part in parts:
                for check in part(session):
                    yield check
                    if check.stops:
                        return
        finally:
            connections.close_all()


def _told(check: Check) -> dict[str, Any]:
    return {"what": check.what, "level": check.level.value, "says": check.says, "todo": check.todo or None}
