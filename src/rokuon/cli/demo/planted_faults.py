"""The one fault that the demo creates on purpose, for the visitor to find and fix: during the first backup, the simulated Dialpad withholds
a few recordings. They fail, Dialpad releases them after the backup, and a retry in the console succeeds."""

from collections.abc import Sequence
from typing import Any

import click

from rokuon.base.i18n import _
from rokuon.cli.support import output
from rokuon.domain.failures import RecordingWithheld
from rokuon.ledger.models import Copy, Run
from rokuon.org.models import Company

WITHHELD = {"kind": "status", "status": 451}
MOST = 8
EVERY = 17
"""Of the recordings, newest first, one in this many is withheld, and `MOST` at most."""


def withheld(truth: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the simulator's faults for a few recordings."""
    usual = [it for it in truth if it["kind"] == "callrecording" and it["available"] and it["center_id"] is not None and not it["team_id"]]
    newest = sorted(usual, key=lambda it: (-int(it["start_time"]), int(it["id"])))
    return [{"endpoint": "media_blob", "id": str(it["id"]), "action": WITHHELD} for it in newest[EVERY // 2 :: EVERY][:MOST]]


def due(company: Company) -> bool:
    """Whether this is the demo's first backup: what a visitor fixed stays fixed."""
    return not Run.objects.filter(company=company).exists()


def left(company: Company) -> int:
    """Count the recordings that the visitor has not backed up yet."""
    return Copy.objects.filter(company=company, state=Copy.State.FAILED, reason=RecordingWithheld.reason).count()


def say_planted(count: int) -> None:
    text = _("Wrong on purpose: while this backup runs, Dialpad withholds %(recordings)s. The console shows the cause and what to do.")
    _mark(text % {"recordings": output.recordings(count)})


def say_how_to_win(company: Company, origin: str) -> None:
    """Print what the visitor has to do, with the address of the page."""
    text = _('Your turn: Dialpad has released them by now. Open this page and press the button "Retry this cause":')
    page = f"{origin}/c/{company.public_id}/failures/failed/{RecordingWithheld.reason}/"
    _mark(text)
    click.echo(f"  {page}")
    output.say(_("Then %(recordings)s leave the failures, and the demo is won.") % {"recordings": output.recordings(left(company))})


def say_won(sentence: str) -> None:
    output.say(click.style(_("Won: nothing is left to fix. %(sentence)s.") % {"sentence": sentence}, bold=True))


def _mark(text: str) -> None:
    output.say(click.style("! ", fg="yellow") + text)
