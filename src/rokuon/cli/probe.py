"""`rokuon probe`: record a real account's answers to questions that Dialpad's documentation leaves open."""

import asyncio
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from rokuon.actions import companies
from rokuon.base.i18n import _
from rokuon.dialpad.call_list import CALLS_PER_PAGE
from rokuon.dialpad.pacing import LocalReserver, SlotPacer
from rokuon.dialpad.probe import Probe
from rokuon.dialpad.source import DialpadSource
from rokuon.domain.recording import Bound, ScopeKind
from rokuon.ledger.sql import ms
from rokuon.org import ranges
from rokuon.org.models import Company

from .support import output, pauses, selectors
from .support.commands import Command
from .support.session import CliSession, opened

PER_SECOND = 5.0


@click.command(
    cls=Command,
    help=_(
        "Record how a real Dialpad account answers, to settle what its documentation leaves open. Only reads, a few dozen requests; of "
        "audio the first bytes only. The report holds no names, numbers or ids."
    ),
)
@click.option("--output", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help=_("Write the report to a file."))
@selectors.company_option
def probe_command(path: Path | None, company_name: str | None) -> None:
    with opened() as session:
        company = selectors.company(company_name)
        pauses.refuse(company)
        report = asyncio.run(_report(session, company))
        _remember(company, report, session.now())
    if path is None:
        output.write_json(report)
        return
    path.write_text(json.dumps(report, indent=2) + "\n")
    click.echo(_("The report is in %(path)s. Read it before you pass it on.") % {"path": path}, err=True)


async def _report(session: CliSession, company: Company) -> dict[str, Any]:
    key = companies.stored_key(session.installation, company).reveal()
    reserver = LocalReserver(PER_SECOND, time.monotonic)
    slots = SlotPacer(reserver.reserve, pause=reserver.pause, clock=time.monotonic)
    now_ms = ms(session.now())
    source = DialpadSource(company.base_url, key, slots, now_ms=lambda: now_ms)
    try:
        return await Probe(source, company.base_url, key, slots, now_ms).report()
    finally:
        await source.close()


def _remember(company: Company, report: dict[str, Any], now: datetime) -> None:
    """Store which listings keep the range: doctor and the system page show those that do not."""
    answers = [one for one in report["narrow_windows"] if "error" not in one]
    for kind in {one["kind"] for one in answers}:
        for bound, name in ((Bound.BEFORE, "newer_than_asked"), (Bound.AFTER, "older_than_asked")):
            of_kind = [one for one in answers if one["kind"] == kind]
            if any(one[name] for one in of_kind):
                ranges.note(company.pk, ScopeKind(kind), bound, now)
            elif all(one["listed"] < CALLS_PER_PAGE for one in of_kind):
                ranges.honoured(company.pk, ScopeKind(kind), bound)
