"""`rokuon probe`: what a real account answers to the questions that Dialpad's documentation leaves open."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import click

from rokuon.dialpad.pacing import LocalReserver, SlotPacer
from rokuon.dialpad.probe import Probe
from rokuon.dialpad.source import DialpadSource
from rokuon.ledger.sql import ms
from rokuon.ops.i18n import _
from rokuon.org.models import Company
from rokuon.wiring import setup

from . import choose, output
from .session import Session, opened

PER_SECOND = 5.0


@click.command(
    help=_(
        "Record how a real Dialpad account answers, to settle what its documentation leaves open. Only reads, a few dozen requests; of "
        "audio the first bytes only. The report holds no names, numbers or ids."
    )
)
@click.option("--output", "path", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help=_("Write the report to a file."))
@choose.company_option
def probe_command(path: Path | None, company_name: str | None) -> None:
    with opened() as session:
        company = choose.company(company_name)
        report = asyncio.run(_report(session, company))
    if path is None:
        output.write_json(report)
        return
    path.write_text(json.dumps(report, indent=2) + "\n")
    click.echo(_("The report is in %(path)s. Read it before you pass it on.") % {"path": path}, err=True)


async def _report(session: Session, company: Company) -> dict[str, Any]:
    key = setup.stored_key(session.installation, company).reveal()
    reserver = LocalReserver(PER_SECOND, time.monotonic)
    slots = SlotPacer(reserver.reserve, pause=reserver.pause, clock=time.monotonic)
    now_ms = ms(session.now())
    source = DialpadSource(company.base_url, key, slots, now_ms=lambda: now_ms)
    try:
        return await Probe(source, company.base_url, key, slots, now_ms).report()
    finally:
        await source.close()
