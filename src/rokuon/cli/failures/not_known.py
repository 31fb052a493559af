"""Display of what is not known in `rokuon failures`: days that are not listed from end to end, and unreadable entries."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rokuon.base import dates
from rokuon.base.i18n import _, ngettext
from rokuon.cli.support import output
from rokuon.completeness import unknown
from rokuon.completeness.parts import UnlistedDays, parts
from rokuon.domain.failures import EntryUnreadable
from rokuon.ledger import unread
from rokuon.ledger.models import Unreadable
from rokuon.ledger.reasons import in_words
from rokuon.org.models import Company, Target

MOST_TARGETS = 5
MOST_ENTRIES = 100_000


@dataclass(frozen=True, slots=True)
class NotKnown:
    """`targets` are those of the gaps, by key. `entries` are those that nobody has explained, `closed` the others."""

    parts: Sequence[UnlistedDays]
    entries: Sequence[Unreadable]
    targets: dict[int, Target]
    closed: Sequence[Unreadable] = ()

    def __bool__(self) -> bool:
        return bool(self.parts or self.entries)


NOTHING = NotKnown((), (), {})


def load_unknown(company: Company, targets: Sequence[int] | None, reason: str | None, now: datetime) -> NotKnown:
    """Load what is not known of these targets (None: all); only of `reason` if given."""
    of_all = company.targets.select_related("office")
    known = {one.pk: one for one in of_all if targets is None or one.pk in targets}
    found = unknown.find_unknown(company, known.values(), now)
    shown = [part for part in parts(found) if reason in (None, part.reason)]
    entries: list[Unreadable] = []
    if (found.unreadable or found.explained) and reason in (None, EntryUnreadable.reason):
        ids = [one.pk for one in known.values() if one.backed_up]
        entries = list(unread.find(company.pk, ids)[:MOST_ENTRIES])
    still_open = [entry for entry in entries if entry.closed_at is None]
    return NotKnown(shown, still_open, known, [entry for entry in entries if entry.closed_at is not None])


def show(found: NotKnown, zone: str) -> None:
    names = output.labels(found.targets.values())
    for part in found.parts:
        sentence = ngettext("%(count)s day is not listed from end to end", "%(count)s days are not listed from end to end", part.days)
        output.say("\n" + sentence % {"count": output.number(part.days)} + f"  [{part.reason}]")
        output.say(f"  {in_words(part.reason)}")
        worst = [f"{names[pk]} ({days_in_words(days)})" for pk, days in part.targets[:MOST_TARGETS]]
        if len(part.targets) > MOST_TARGETS:
            worst.append(_("and %(count)d more targets") % {"count": len(part.targets) - MOST_TARGETS})
        output.say(f"  {_(', ').join(worst)}")
        output.say("  " + _("Days from %(first)s to %(last)s, UTC") % {"first": dates.day(part.first), "last": dates.day(part.last)})
        output.say(f"  rokuon backup-now --since {part.first} --until {part.last}")
    if found.entries:
        count = _count(found.entries)
        sentence = ngettext("%(count)s entry could not be read", "%(count)s entries could not be read", count)
        output.say("\n" + sentence % {"count": output.number(count)} + f"  [{EntryUnreadable.reason}]")
        output.say(f"  {in_words(EntryUnreadable.reason)}")
        for entry in found.entries[:MOST_TARGETS]:
            output.say(f"  {_when(entry, zone)}  {_target(entry)}  {entry.call_id or _('no call id')}  {entry.why}")
        if len(found.entries) > MOST_TARGETS:
            output.say("  " + _("`rokuon failures --list` shows every entry."))
    if found.closed:
        closed = _count(found.closed)
        sentence = ngettext(
            "%(count)s entry that could not be read is closed with a note.",
            "%(count)s entries that could not be read are closed with a note.",
            closed,
        )
        output.say("\n" + sentence % {"count": output.number(closed)})


def _count(entries: Sequence[Unreadable]) -> int:
    """Count an entry that several targets share once."""
    return len({entry.mark for entry in entries})


def days_in_words(days: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": output.number(days)}


def table(found: NotKnown, zone: str, limit: int) -> None:
    """Show every range of days and every entry."""
    rows = list(_rows(found, zone))
    if rows:
        headings = [_("Entry"), _("State"), _("Office"), _("Target"), _("Calls of"), _("Call id"), _("Cause"), _("Closed")]
        output.table(headings, rows[:limit], right=[0])
    if found.entries:
        output.say(_("To close an entry: rokuon close --entry ENTRY --note TEXT"))
    if len(rows) > limit:
        output.say(_("There are more: raise --limit."))


def _rows(found: NotKnown, zone: str) -> Iterator[list[str]]:
    for part in found.parts:
        for gap in part.gaps:
            target, days = found.targets[gap.target_id], f"{dates.day(gap.first)} – {dates.day(gap.last)}"
            yield ["", output.state_word("unlisted"), target.office.name, target.name, days, "", gap.reason, ""]
    for entry in (*found.entries, *found.closed):
        office = entry.target.office.name if entry.target is not None else ""
        why = f"{EntryUnreadable.reason} {entry.why} {entry.kind}".strip()
        yield [str(entry.pk), output.state_word("unreadable"), office, _target(entry), _when(entry, zone), entry.call_id, why, entry.note]


def listed(found: NotKnown) -> list[dict[str, Any]]:
    """Return every range of days and every entry, for machines."""
    shown = data(found)
    return [{"state": state, **one} for state, ones in shown.items() for one in ones]


def data(found: NotKnown) -> dict[str, Any]:
    return {
        "unlisted": [
            {
                "reason": part.reason,
                "advice": in_words(part.reason),
                "days": part.days,
                "gaps": [
                    {
                        "kind": found.targets[gap.target_id].kind,
                        "id": found.targets[gap.target_id].dialpad_id,
                        "name": found.targets[gap.target_id].name,
                        "first": gap.first,
                        "last": gap.last,
                    }
                    for gap in part.gaps
                ],
            }
            for part in found.parts
        ],
        "unreadable": [
            {
                "entry": entry.pk,
                "reason": EntryUnreadable.reason,
                "why": entry.why,
                "target": entry.target.name if entry.target is not None else None,
                "call_id": entry.call_id,
                "kind": entry.kind,
                "recording_id": entry.recording_id,
                "after": entry.after,
                "before": entry.before,
                "first_at": entry.first_at,
                "seen_at": entry.seen_at,
                "closed": None if entry.closed_at is None else {"note": entry.note, "by": entry.closed_by, "at": entry.closed_at},
            }
            for entry in (*found.entries, *found.closed)
        ],
    }


def _target(entry: Unreadable) -> str:
    return entry.target.name if entry.target is not None else _("target not known")


def _when(entry: Unreadable, zone: str) -> str:
    if entry.exact:
        return output.moment(entry.after, zone)
    return f"{output.moment(entry.after, zone)} – {output.moment(entry.before, zone)}"
