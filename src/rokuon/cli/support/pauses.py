"""Report a pause that Dialpad asked for, in commands that wait for its end, so that no command seems to hang."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import click
from django.db import DatabaseError, InterfaceError, connection

from rokuon.base import dates
from rokuon.base.i18n import _
from rokuon.domain.failures import SourceThrottled
from rokuon.domain.retry import THROTTLED_S
from rokuon.org import budget
from rokuon.org.models import Company
from rokuon.wiring import budget_text

POLL_S = 1.0


def moment(when: datetime) -> str:
    """Return the time in this machine's local time zone."""
    return dates.on_this_machine(when)


@contextmanager
def told(company: Company) -> Iterator[None]:
    """While the command works, print each pause that it waits for on standard error, once."""
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(company.pk, ended), name="pauses", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def refuse(company: Company) -> None:
    """For a command that has no share in the budget and so would not wait. Raises SourceThrottled during a pause."""
    standing = budget.budget_state(company.pk)
    if standing.paused_until is not None and standing.asked_until is not None:
        raise SourceThrottled(retry_after=(standing.paused_until - datetime.now(UTC)).total_seconds())


def ended_by(error: SourceThrottled) -> str:
    """Return the message of a command that could not wait."""
    until = datetime.now(UTC) + timedelta(seconds=THROTTLED_S if error.retry_after is None else error.retry_after)
    return _("Dialpad asked for a pause until %(until)s. Repeat the command after that.") % {"until": moment(until)}


def _watch(company_id: int, ended: threading.Event) -> None:
    said = ""
    try:
        while not ended.wait(POLL_S):
            try:
                words = budget_text.pause(budget.budget_state(company_id), moment)
            except (DatabaseError, InterfaceError, LookupError):
                # The command itself meets this error and reports it.
                connection.close()
                continue
            if words and words != said:
                click.echo(words, err=True)
            said = words or said
    finally:
        connection.close()
