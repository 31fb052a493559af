"""`rokuon retry --watch`: follow recordings that are tried again."""

import sys
import time
from collections import Counter
from itertools import chain

import click

from rokuon.base.i18n import _
from rokuon.cli.backup.follow import POLL_S, patient
from rokuon.cli.backup.result import say_hold
from rokuon.cli.main import FINISHED_WITH_FAILURES, INTERRUPTED, OK
from rokuon.cli.support import next_steps, output
from rokuon.cli.support.ensure_worker import EnsuredWorker
from rokuon.cli.support.session import CliSession
from rokuon.ledger import failures, holds
from rokuon.ledger.models import Copy, Retry
from rokuon.org.models import Company


def watch(session: CliSession, company: Company, retry: Retry, *, as_json: bool) -> int:
    """Show the progress until none is left that will be tried soon; return the exit code. Starts a worker if none is running."""
    try:
        with EnsuredWorker(session, quiet=as_json) as worker:
            counts = _follow(session, retry, worker, as_json=as_json)
    except KeyboardInterrupt:
        click.echo("\n" + _("Stopped watching. A worker continues it; `rokuon failures` says what is left."), err=True)
        return INTERRUPTED
    left = counts[Copy.State.FAILED] + counts[Copy.State.GONE] + counts[Copy.State.PENDING]
    code = FINISHED_WITH_FAILURES if left else OK
    if as_json:
        output.write_json_line({"retry": retry.pk, **_data(counts), "exit_code": code})
        return code
    for hold in holds.open_holds(company.pk):
        say_hold(hold, session.zone_of(company))
    states = (next_steps.waiting(counts[Copy.State.PENDING]), next_steps.failed(counts[Copy.State.FAILED]))
    for sentence in (*chain(*states), *next_steps.gone(counts[Copy.State.GONE])):
        output.say(sentence)
    return code


def _follow(session: CliSession, retry: Retry, worker: EnsuredWorker, *, as_json: bool) -> Counter[str]:
    told: Counter[str] | None = None
    while True:
        worker.keep_working()
        counts = patient(lambda: Counter(failures.progress(retry, None)))
        if counts != told:
            _tell(retry, counts, as_json=as_json)
            told = counts
        if not patient(lambda: failures.moving(retry, None, session.now())):
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
