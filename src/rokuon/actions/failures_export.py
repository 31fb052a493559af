"""Export a table of everything that is not backed up: failed, gone and pending copies, and calls without a recording."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.db import transaction

from rokuon.accounts.audit import Actor
from rokuon.actions._shared import record_of_company, recording_headings
from rokuon.actions.reason_text import why
from rokuon.base import dates
from rokuon.base.i18n import _
from rokuon.base.state_words import state_word
from rokuon.ledger import aside, failures, unnamed
from rokuon.ledger.models import Aside, Call, Copy
from rokuon.ledger.next_try import Next, Stops
from rokuon.ledger.reasons import in_words
from rokuon.org.models import Company
from rokuon.org.tree import zone_of

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """Filter of the table: these targets (None: all of the company), and optionally one state (a copy's, or `unnamed.STATE`) or reason."""

    targets: Sequence[int] | None
    state: str | None = None
    reason: str | None = None

    @property
    def of_copies(self) -> bool:
        return self.state != unnamed.STATE and self.reason != unnamed.REASON

    @property
    def of_calls(self) -> bool:
        return self.state in (None, unnamed.STATE) and self.reason in (None, unnamed.REASON)


def size(company: Company, asked: Asked) -> int:
    """Return the number of rows of the table."""
    copies = failures.copies(company.pk, asked.targets, asked.state, asked.reason).count() if asked.of_copies else 0
    return copies + (unnamed.calls(company.pk, asked.targets).count() if asked.of_calls else 0)


@transaction.atomic
def export(company: Company, asked: Asked, actor: Actor, now: datetime) -> tuple[list[str], Iterator[Sequence[object]]]:
    """Return headings and rows. The export is in the audit log before any row is read."""
    after = {"rows": size(company, asked)}
    record_of_company(actor, "failure.export", company, now, after)
    headings = [
        *recording_headings(),
        _("Since"),
        _("Closed"),
        _("Next try"),
        _("Held by"),
        _("Kept aside"),
        _("What to do"),
        _("Path"),
        _("Reason code"),
    ]
    return headings, _rows(company.pk, asked)


def _rows(company_id: int, asked: Asked) -> Iterator[Sequence[object]]:
    if asked.of_copies:
        stops = Stops(company_id)
        copies = failures.copies(company_id, asked.targets, asked.state, asked.reason).select_related("bucket").iterator(chunk_size=_CHUNK)
        while some := list(islice(copies, _CHUNK)):
            kept = aside.of([copy.pk for copy in some])
            for copy in some:
                yield _of_copy(copy, stops.next_try(copy), kept.get(copy.pk))
    if asked.of_calls:
        for call in unnamed.calls(company_id, asked.targets).iterator(chunk_size=_CHUNK):
            yield _of_call(call)


def _of_copy(copy: Copy, following: Next | None, kept: Aside | None) -> list[object]:
    zone, closing = zone_of(copy.target), failures.closing(copy)
    return [
        state_word(copy.state),
        why(copy.reason) if copy.reason else _("Not tried yet"),
        copy.target.office.name,
        copy.target.name,
        dates.spreadsheet(copy.call_started_at, zone),
        zone or "UTC",
        copy.agent,
        copy.recording.call_id,
        copy.recording.recording_id,
        dates.spreadsheet(copy.changed_at, zone),
        closing.note if closing is not None else "",
        dates.spreadsheet(following.at, zone) if following is not None and following.at is not None else "",
        held_in_words(following),
        kept.looks if kept is not None else "",
        in_words(copy.reason),
        f"{copy.bucket.url.rstrip('/')}/{copy.key}",
        copy.reason,
    ]


def held_by(following: Next | None) -> str:
    """Return the reason code of the hold, or the paused run; "" for neither."""
    if following is None or (following.hold is None and following.paused is None):
        return ""
    return following.hold.reason if following.hold is not None else _("run %(run)d is paused") % {"run": following.paused}


def held_in_words(following: Next | None) -> str:
    """Return the cause of the hold in words, or the paused run; "" for neither."""
    return why(following.hold.reason) if following is not None and following.hold is not None else held_by(following)


def _of_call(call: Call) -> list[object]:
    zone, closing = zone_of(call.target), unnamed.closing(call)
    start = dates.spreadsheet(call.started_at, zone)
    note = closing.note if closing is not None else ""
    return [
        state_word("unnamed"),
        why(unnamed.REASON),
        call.target.office.name,
        call.target.name,
        start,
        zone or "UTC",
        "",
        call.call_id,
        "",
        "",
        note,
        "",
        "",
        "",
        in_words(unnamed.REASON),
        "",
        unnamed.REASON,
    ]
