"""Rows of the `actions.failures_export` table for what is not known: days never listed and unreadable entries."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from rokuon.actions.reason_text import why
from rokuon.base import dates
from rokuon.base.state_words import state_word
from rokuon.completeness import unknown
from rokuon.completeness.parts import parts
from rokuon.domain.failures import EntryUnreadable
from rokuon.ledger import unread
from rokuon.ledger.models import Unreadable
from rokuon.ledger.reasons import in_words
from rokuon.org.models import Company
from rokuon.org.tree import zone_of

MOST_ENTRIES = 100_000
_EMPTY = [""] * 8
"""The columns after the time zone, up to what to do."""


def rows(
    company: Company, targets: Sequence[int] | None, reason: str | None, now: datetime, *, of_nobody: bool = True
) -> Iterator[Sequence[object]]:
    """Yield rows in the columns of `actions.failures_export`; only of `reason` if given.

    A range of days is one row, from its first to its last UTC day. With `of_nobody`, include entries that may belong to any target.
    """
    known = {one.pk: one for one in company.targets.select_related("office") if targets is None or one.pk in targets}
    found = unknown.find_unknown(company, known.values(), now)
    for part in parts(found):
        for gap in part.gaps if reason in (None, part.reason) else ():
            target = known[gap.target_id]
            days = f"{gap.first} - {gap.last}"
            told = [state_word("unlisted"), why(gap.reason), target.office.name, target.name, days, "UTC", *_EMPTY]
            yield [*told, in_words(gap.reason), "", gap.reason]
    if (found.unreadable or found.explained) and reason in (None, EntryUnreadable.reason):
        ids = [one.pk for one in known.values() if one.backed_up]
        for entry in unread.find(company.pk, ids, of_nobody=of_nobody)[:MOST_ENTRIES]:
            yield _entry(entry)


def _entry(entry: Unreadable) -> Sequence[object]:
    target = entry.target
    office, name, zone = (target.office.name, target.name, zone_of(target)) if target is not None else ("", "", "")
    start = (
        dates.spreadsheet(entry.after, zone)
        if entry.exact
        else f"{dates.spreadsheet(entry.after, zone)} - {dates.spreadsheet(entry.before, zone)}"
    )
    recording = f"{entry.kind} {entry.recording_id}".strip()
    since = dates.spreadsheet(entry.first_at, zone)
    return [
        state_word("unreadable"),
        why(EntryUnreadable.reason),
        office,
        name,
        start,
        zone or "UTC",
        "",
        entry.call_id,
        recording,
        since,
        entry.note,
        *_EMPTY[:3],
        in_words(EntryUnreadable.reason),
        "",
        EntryUnreadable.reason,
    ]
