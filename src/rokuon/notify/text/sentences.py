"""The sentences of a letter, in the language of `base.i18n`. Every name is cut and cleaned here (`name`), so no other module needs to."""

from dataclasses import dataclass
from datetime import date, datetime

from rokuon.base import dates
from rokuon.base.i18n import _, join_sentences, ngettext
from rokuon.base.measures import amount, number, percent
from rokuon.base.state_words import state_word
from rokuon.completeness.headline import Headline, HeadlineFacts, headline
from rokuon.domain.failures import by_reason
from rokuon.ledger import reasons
from rokuon.ledger.tally import Counts
from rokuon.notify.message import Letter, NoticeLine, Numbers
from rokuon.notify.models import NoticeKind, Occasion
from rokuon.runtime.mail import name

from . import headings

MOST_TARGETS = 10


@dataclass(frozen=True, slots=True)
class Block:
    """One line of a letter as text. `heading` is "" if the letter's title says the same. `targets` are names with counts; `link` is the
    page where it can be fixed, "" for none."""

    heading: str
    facts: list[str]
    targets: list[tuple[str, str]]
    more_targets: str
    advice: str
    link: str
    link_text: str
    over: bool


def where(letter: Letter) -> str:
    return name(letter.office or letter.company) or "Rokuon"


def subject(letter: Letter) -> str:
    return f"{where(letter)}: {title(letter)}"


def title(letter: Letter) -> str:
    """Return the subject of the mail, without its place."""
    match letter.occasion:
        case Occasion.TRIAL:
            return _("a test mail from Rokuon")
        case Occasion.WEEKLY:
            return _week(letter)
        case Occasion.BACKFILL:
            return _first_run(letter)
    if not letter.lines:
        return _("a notice from Rokuon")
    what, others = _heading(letter, letter.lines[0]), len(letter.lines) - 1
    if others:
        what = ngettext("%(what)s, and %(count)s other matter", "%(what)s, and %(count)s other matters", others) % {
            "what": what,
            "count": number(others),
        }
    match letter.occasion:
        case Occasion.REMINDER:
            return _("still open: %(what)s") % {"what": what}
        case Occasion.ESCALATED:
            return _("open for days: %(what)s") % {"what": what}
        case Occasion.ENDED:
            return (_("resolved: %(what)s") if _all_arrived(letter) else _("no longer open: %(what)s")) % {"what": what}
    return what


def _all_arrived(letter: Letter) -> bool:
    return all(line.arrived for line in letter.lines)


def _heading(letter: Letter, line: NoticeLine) -> str:
    return headings.was(line, name(line.name)) if letter.occasion == Occasion.ENDED else headings.heading(line, name(line.name))


def beginning(heading: str) -> str:
    """Return the heading for the beginning of a line, instead of after a place's name."""
    return heading[:1].upper() + heading[1:]


def _week(letter: Letter) -> str:
    days = {**_period(letter), "count": number(len(letter.lines))}
    if not letter.lines:
        return _("%(headline)s (%(first)s to %(last)s)") % {**days, "headline": answer(letter).sentence}
    return (
        ngettext(
            "%(count)s matter is open (%(first)s to %(last)s)", "%(count)s matters are open (%(first)s to %(last)s)", len(letter.lines)
        )
        % days
    )


def answer(letter: Letter) -> Headline:
    """Return the headline of the figures, the same as on pages and in commands."""
    found = letter.numbers or Numbers()
    counts = Counts(found.pending, found.verified, found.failed, found.gone, found.excluded)
    facts = (found.causes, found.unnamed, found.held, found.closed_failed, found.closed_gone)
    return headline(HeadlineFacts(counts, found.lacks, *facts))


def _answer_in_full(letter: Letter) -> str:
    told = answer(letter)
    return join_sentences(_("%(sentence)s.") % {"sentence": told.sentence}, *told.added)


def _period(letter: Letter) -> dict[str, str]:
    return {"first": _day(letter.first_day, letter.zone), "last": _day(letter.last_day, letter.zone)}


def _first_run(letter: Letter) -> str:
    return _("the first backup has ended: %(headline)s") % {"headline": answer(letter).sentence}


def opening(letter: Letter, written: datetime | None) -> list[str]:
    """Return the sentences before the problems themselves."""
    said: list[str] = []
    match letter.occasion:
        case Occasion.TRIAL:
            said.append(_("This is a test mail. Notices about backups will reach you in the same way."))
        case Occasion.MORE:
            said.append(_("The number has increased since the last mail."))
        case Occasion.REMINDER:
            said.append(_("Nothing has changed for the better since the last mail. You are reminded once a day."))
        case Occasion.ESCALATED:
            said.append(_("This has been open at the office for three days, so the company's admins are notified as well."))
        case Occasion.ENDED if _all_arrived(letter):
            said.append(_("The problem is resolved. Nothing needs to be done."))
        case Occasion.ENDED:
            said.append(_("The problem is no longer open, but not all of its recordings are in the bucket."))
        case Occasion.BACKFILL:
            said += [_("The first Back up now has ended."), _answer_in_full(letter)]
            if letter.lines:
                said.append(_("This is what it could not do:"))
        case Occasion.WEEKLY:
            said.append(_answer_in_full(letter))
            if letter.lines:
                said.append(_("This is open at the end of the week:"))
            elif answer(letter).wrong:
                said.append(_("`rokuon failures` and the page Failures name the days and entries. This mail comes each Monday."))
            else:
                said.append(_("Nothing is open at the end of the week. This mail comes each Monday, so that you notice when it does not."))
    if written is not None:
        at = _moment(written, letter.zone)
        said.append(_("The mail server could not be used for a while: the figures are those of %(at)s.") % {"at": at})
    return said


def block(letter: Letter, line: NoticeLine, link: str) -> Block:
    over = letter.occasion == Occasion.ENDED
    shown = [(name(target), headings.amount_of(line, count)) for target, count in line.targets[:MOST_TARGETS]]
    others = line.more_targets + len(line.targets[MOST_TARGETS:])
    more = ngettext("and %(count)s other", "and %(count)s others", others) % {"count": number(others)} if others else ""
    heading = _heading(letter, line)
    return Block(
        "" if heading == title(letter) else beginning(heading),
        _facts(letter, line),
        [] if over else shown,
        "" if over else more,
        "" if over else advice(line),
        "" if over else link,
        _("See it in Rokuon"),
        over,
    )


def advice(line: NoticeLine) -> str:
    """Return what to do."""
    if line.kind in (NoticeKind.FAILED, NoticeKind.GONE, NoticeKind.HOLD, NoticeKind.UNLISTED, NoticeKind.UNREADABLE):
        return _(by_reason(line.cause).advice)
    if line.kind == NoticeKind.UNSEALED and line.cause:
        return _(by_reason(line.cause).advice)
    if line.kind == NoticeKind.UNNAMED:
        return reasons.unnamed_in_words(listed=line.others_listed)
    return headings.advice(line.kind)


def _facts(letter: Letter, line: NoticeLine) -> list[str]:
    facts = []
    if line.since:
        facts.append(_("Since %(at)s.") % {"at": _stored_moment(line.since, letter.zone)})
    if line.new and letter.occasion == Occasion.MORE:
        facts.append(
            ngettext("%(count)s of them is new since the last mail.", "%(count)s of them are new since the last mail.", line.new)
            % {"count": number(line.new)}
        )
    first, last = _day(line.first_call, letter.zone), _day(line.last_call, letter.zone)
    if first and last and first != last:
        facts.append(_("The calls are from %(first)s to %(last)s.") % {"first": first, "last": last})
    elif first or last:
        facts.append(_("The calls are from %(day)s.") % {"day": first or last})
    if line.closed:
        facts.append(
            ngettext("%(count)s of them was closed with a reason.", "%(count)s of them were closed with a reason.", line.closed)
            % {"count": number(line.closed)}
        )
    if line.excluded:
        facts.append(
            ngettext(
                "%(count)s of them is excluded by a rule or a choice in the settings.",
                "%(count)s of them are excluded by a rule or a choice in the settings.",
                line.excluded,
            )
            % {"count": number(line.excluded)}
        )
    if line.elsewhere:
        facts.append(
            ngettext(
                "%(count)s of them is now not backed up for another cause, and is reported with that cause.",
                "%(count)s of them are now not backed up for other causes, and are reported with those.",
                line.elsewhere,
            )
            % {"count": number(line.elsewhere)}
        )
    if line.lost:
        facts.append(
            ngettext(
                "%(count)s recording has become unreachable at Dialpad without being backed up.",
                "%(count)s recordings have become unreachable at Dialpad without being backed up.",
                line.lost,
            )
            % {"count": number(line.lost)}
        )
    return facts


def more_lines(count: int) -> str:
    if count <= 0:
        return ""
    return ngettext("%(count)s other matter is shown in Rokuon.", "%(count)s other matters are shown in Rokuon.", count) % {
        "count": number(count)
    }


def numbers_title(letter: Letter) -> str:
    if letter.occasion == Occasion.WEEKLY:
        return _("Figures from %(first)s to %(last)s") % _period(letter)
    return _("Figures")


def numbers(letter: Letter) -> list[tuple[str, str]]:
    """Rows of a table. Rows about problems are present even when zero; rows that do not apply are left out."""
    found = letter.numbers
    if found is None:
        return []
    rows = [(state_word("verified"), number(found.verified))]
    if letter.occasion == Occasion.WEEKLY:
        rows.append((_("Verified in the week"), f"{number(found.arrived)} ({amount(found.bytes)})"))
    elif found.bytes:
        rows.append((_("Size"), amount(found.bytes)))
    rows += [
        (state_word("pending"), number(found.pending)),
        (state_word("failed"), number(found.failed)),
        (state_word("gone"), number(found.gone)),
    ]
    if found.lacks:
        rows += [
            (_("Days not listed from end to end"), number(found.lacks.days)),
            (_("Contact centers and coaching teams never listed"), number(found.lacks.never)),
            (_("Entries of the list that could not be read"), number(found.lacks.unreadable)),
        ]
    if found.lacks.explained:
        rows.append((_("Entries of the list that could not be read, closed with a note"), number(found.lacks.explained)))
    if found.excluded:
        rows.append((state_word("excluded"), number(found.excluded)))
    if found.expiring or found.expired:
        rows.append((_("Unreachable at Dialpad within 7 days"), number(found.expiring)))
        rows.append((_("Unreachable at Dialpad already"), number(found.expired)))
    if found.events_lost is not None and found.calls:
        rows.append((_("Recorded calls without an event"), _lost(found, found.events_lost)))
    return rows


def _lost(found: Numbers, lost: int) -> str:
    return _("%(lost)s of %(calls)s (%(percent)s%%)") % {
        "lost": number(lost),
        "calls": number(found.calls),
        "percent": percent(lost, found.calls, 1),
    }


def signature(letter: Letter) -> list[str]:
    """Return why the reader gets this mail, and who can change that."""
    office, company = name(letter.office), name(letter.company)
    if letter.occasion == Occasion.TRIAL:
        return [_("You get this mail because someone sent it to you from the page Notices of Rokuon.")]
    if not company:
        return [_("You get this mail because you run this installation of Rokuon, or nobody else could be notified.")]
    where = {"office": office, "company": company}
    if letter.fallback:
        why = _("You get this mail because nobody of %(office)s can be reached, and you are an admin of %(company)s.") % where
        return [join_sentences(why, _("Add someone for the office on the page Notices of Rokuon."))]
    if office and letter.occasion != Occasion.ESCALATED:
        why = _("You get this mail because you look after %(office)s at %(company)s.") % where
    else:
        why = _("You get this mail because you look after the call recordings of %(company)s.") % where
    return [join_sentences(why, _("A company admin chooses the recipients on the page Notices of Rokuon."))]


def _moment(when: datetime, zone_name: str) -> str:
    return f"{dates.moment(when, zone_name)} ({name(zone_name) or 'UTC'})"


def _stored_moment(stored: str, zone_name: str) -> str:
    return _moment(datetime.fromisoformat(stored), zone_name)


def _day(stored: str, zone_name: str) -> str:
    """Return the local day of a moment, or the day itself."""
    if not stored:
        return ""
    if len(stored) == 10:
        return dates.day(date.fromisoformat(stored))
    return dates.local_day(datetime.fromisoformat(stored), zone_name)
