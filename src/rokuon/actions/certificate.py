"""Certificates of completeness, for a person: the days that were asked for, the table, and the audit entry when one is exported."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from django.db import transaction

from rokuon.accounts.audit import Actor
from rokuon.base import dates
from rokuon.base.i18n import _
from rokuon.base.state_words import state_word
from rokuon.domain import windows
from rokuon.domain.certificate import MOST_DAYS, Verdict
from rokuon.domain.failures import ConfigError
from rokuon.ledger.sql import ms
from rokuon.wiring.certificate import Certificate

from ._shared import record_of_company

EXPORT = "certificate.export"


def verdict_in_words(verdict: Verdict) -> str:
    return {Verdict.COMPLETE: _("Complete"), Verdict.INCOMPLETE: _("Incomplete")}.get(verdict) or state_word("unlisted")


def asked_days(since: str, until: str, now: datetime, zone: str) -> tuple[date, date]:
    """Return the first and the last day that a person entered, both included. Raises ConfigError with a sentence, also for more than two
    years."""
    asked = windows.asked_range(since, until, now_ms=ms(now), timezone_name=zone, translate=_)
    first, last = windows.local_date(asked.after_ms, zone), windows.local_date(asked.before_ms - 1, zone)
    if (last - first).days >= MOST_DAYS:
        raise ConfigError(_("A certificate covers two years at most. Choose a later first date, and make another for the days before it."))
    return first, last


@transaction.atomic
def exported(made: Certificate, form: str, actor: Actor) -> None:
    """Add to the audit log that this certificate was exported as PDF, CSV, JSON or HTML. Call it before anything of it is sent."""
    found = made.figures
    after = {"since": found.first.isoformat(), "until": found.last.isoformat(), "form": form}
    if found.target is not None:
        after["target"] = found.target.name
    elif found.office is not None:
        after["office"] = found.office.name
    elif found.only is not None:
        after["office"] = "; ".join(found.only)
    record_of_company(actor, EXPORT, found.company, made.made_at, after)


def table(made: Certificate) -> tuple[list[str], Iterator[Sequence[object]]]:
    """Return headings and a row for each target and day."""
    headings = [
        _("Office"),
        _("Target"),
        _("Target id"),
        _("Day"),
        _("Time zone"),
        _("Result"),
        _("Listed at"),
        _("Final"),
        _("Entries that could not be read"),
        _("Calls"),
        _("Recorded calls"),
        _("Recordings"),
        state_word("unnamed"),
        state_word("verified"),
        state_word("excluded"),
        state_word("closed"),
        _("Unaccounted"),
        _("Size in bytes"),
    ]
    return headings, _rows(made)


def _rows(made: Certificate) -> Iterator[Sequence[object]]:
    for one in made.figures.targets:
        target, zone = one.target, one.zone or "UTC"
        for day in one.days:
            account = day.account
            yield [
                target.office.name,
                target.name,
                target.dialpad_id,
                day.day.isoformat(),
                zone,
                verdict_in_words(day.verdict),
                dates.spreadsheet(day.listed_at, one.zone) if day.listed_at else "",
                _("yes") if day.final else _("no"),
                day.unread,
                account.calls,
                account.recorded,
                account.recordings,
                account.unnamed,
                account.verified,
                account.excluded,
                account.closed,
                account.unaccounted,
                account.bytes,
            ]
