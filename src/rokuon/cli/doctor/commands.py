"""`rokuon doctor`: check everything that a person would otherwise have to guess, and say what to do."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import click
import psycopg
from django.db import Error, connections

from rokuon.base.i18n import _
from rokuon.cli.main import FINISHED_WITH_FAILURES, OK
from rokuon.cli.support import database_errors, output, selectors
from rokuon.cli.support.commands import Command
from rokuon.cli.support.session import CliSession
from rokuon.config import Config
from rokuon.domain.failures import RokuonError
from rokuon.runtime.installation import open_installation

from .check import Check, Level
from .company import company_checks
from .database import database_checks
from .machine import machine_checks
from .mail import mail_checks
from .provider import provider_checks
from .web import web_checks

_MARKS = {Level.OK: ("✓", "green"), Level.WARNING: ("!", "yellow"), Level.PROBLEM: ("✗", "bold red")}


@click.command(
    cls=Command,
    help=_(
        "Check the data folder, disks, dumps, the database, workers, the way to the console, mail and its recipients, clocks, keys and "
        "their scopes, events, sweeps and buckets. Nothing is changed. Exit code 1 if there is a problem."
    ),
)
@selectors.json_option
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
    else:
        output.say(_verdict(problems, sum(check.level is Level.WARNING for check in found)))
    return FINISHED_WITH_FAILURES if problems else OK


def _verdict(problems: int, warnings: int) -> str:
    if problems:
        return _("Problems: %(count)d.") % {"count": problems}
    if warnings:
        return _("No problem was found. Warnings: %(count)d; they are marked with an exclamation mark.") % {"count": warnings}
    return _("No problem was found.")


def _all_checks() -> Iterator[Check]:
    config = Config.load()
    yield from machine_checks(config, datetime.now(UTC))
    try:
        installation = open_installation(config)
    except RokuonError as error:
        yield Check(_("Installation"), Level.PROBLEM, _(str(error)))
        return
    except (psycopg.Error, OSError) as error:
        yield _failed(_("Installation"), error)
        return
    with installation:
        try:
            session = CliSession(config, installation)
            session.clock.look()
            parts: list[Callable[[CliSession], Iterator[Check]]] = [
                database_checks,
                web_checks,
                provider_checks,
                mail_checks,
                company_checks,
            ]
            for part in parts:
                for check in part(session):
                    yield check
                    if check.stops:
                        return
        except (Error, psycopg.Error, OSError) as error:
            yield _failed(_("Database"), error)
        finally:
            connections.close_all()


def _failed(what: str, error: Exception) -> Check:
    """Return the check that prevented the others."""
    says = database_errors.sentence(error) or f"{type(error).__name__}: {getattr(error, 'strerror', None) or _('it failed')}"
    return Check(what, Level.PROBLEM, says, _("Correct this first: what depends on it was not checked."))


def _told(check: Check) -> dict[str, Any]:
    return {"what": check.what, "level": check.level.value, "says": check.says, "todo": check.todo or None}
