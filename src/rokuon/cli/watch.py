"""`rokuon retry --watch`: what becomes of recordings that are tried again."""

import sys
import time
from collections import Counter

import click

from rokuon.ledger import desk, holds
from rokuon.ledger.models import Copy, Retry
from rokuon.ops.i18n import _
from rokuon.org.models import Company

from . import output
from .backup import company_zone
from .crew import Crew
from .follow import POLL_S, patient
from .main import FINISHED_WITH_FAILURES, INTERRUPTED, OK
from .session import Session
from .verdict import say_hold


def watch(session: Session, company: Company, retry: Retry, *, as_json: bool) -> int:
    """Tell how it goes until none is left that will be tried soon; the exit code. Works itself where no worker does."""
    try:
        with Crew(session, quiet=as_json) as crew:
            counts = _follow(session, retry, crew, as_json=as_json)
    except KeyboardInterrupt:
        click.echo("\n" + _("Stopped watching. A worker goes on with it; `rokuon failures` says what is left."), err=True)
        return INTERRUPTED
    code = FINISHED_WITH_FAILURES if counts[Copy.State.FAILED] or counts[Copy.State.PENDING] else OK
    if as_json:
        output.write_json_line({"retry": retry.pk, **_data(counts), "exit_code": code})
        return code
    for hold in holds.open_holds(company.pk):
        say_hold(hold, company_zone(session, company))
    if counts[Copy.State.PENDING]:
        output.say(
            _("Waiting for another try: %(recordings)s. A worker tries again by itself.")
            % {"recordings": output.recordings(counts[Copy.State.PENDING])}
        )
    if counts[Copy.State.FAILED]:
        output.say(
            _("Failed: %(recordings)s. `rokuon failures` says why and what to do.")
            % {"recordings": output.recordings(counts[Copy.State.FAILED])}
        )
    return code


def _follow(session: Session, retry: Retry, crew: Crew, *, as_json: bool) -> Counter[str]:
    told: Counter[str] | None = None
    while True:
        crew.keep_working()
        counts = patient(lambda: Counter(desk.progress(retry, None)))
        if counts != told:
            _tell(retry, counts, as_json=as_json)
            told = counts
        if not patient(lambda: desk.moving(retry, None, session.now())):
            return counts
        time.sleep(POLL_S)


def _tell(retry: Retry, counts: Counter[str], *, as_json: bool) -> None:
    if as_json:
        output.write_json_line({"retry": retry.pk, **_data(counts)})
    else:
        output.say(
            _("Verified: %(verified)s, failed: %(failed)s, gone: %(gone)s, waiting: %(pending)s")
            % {name: output.number(count) for name, count in _data(counts).items()}
        )
    sys.stdout.flush()


def _data(counts: Counter[str]) -> dict[str, int]:
    return {state: counts[state] for state in ("verified", "failed", "gone", "excluded", "pending")}
