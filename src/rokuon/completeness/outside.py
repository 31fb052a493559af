"""Recorded calls outside every rule: of what a backup is complete, and what is beside it.

The figures are known for the days on which the calls of the whole company were listed; of other days nothing is known, which is not zero.
A line that has a rule by now is left out, although its days were listed before: what is missing of it is counted as days not listed.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q

from rokuon.base.i18n import _, join_sentences, ngettext
from rokuon.base.measures import number
from rokuon.domain import windows
from rokuon.domain.failures import N_
from rokuon.domain.outside import LineKind
from rokuon.ledger import outside as figures
from rokuon.ledger import unread
from rokuon.ledger.outside import KnownDays, LineCount
from rokuon.ledger.sql import at, ms
from rokuon.org.models import Company, Member, Office, Target, User

from .lacks import counted, if_any
from .options import fingerprint
from .unknown import GRACE

KINDS = {
    LineKind.CONTACT_CENTER: N_("Contact centers without a rule"),
    LineKind.COACHING_TEAM: N_("Coaching teams without a rule"),
    LineKind.DEPARTMENT: N_("Departments"),
    LineKind.OFFICE: N_("Main lines"),
    LineKind.USER: N_("Personal lines"),
    LineKind.ROOM: N_("Room phones"),
    LineKind.UNKNOWN: N_("Other lines, or none named"),
}
ONE_OF_KIND = {
    LineKind.CONTACT_CENTER: N_("Contact center"),
    LineKind.COACHING_TEAM: N_("Coaching team"),
    LineKind.DEPARTMENT: N_("Department"),
    LineKind.OFFICE: N_("Main line"),
    LineKind.USER: N_("Personal line"),
    LineKind.ROOM: N_("Room phone"),
    LineKind.UNKNOWN: N_("Other line, or none named"),
}


@dataclass(frozen=True, slots=True)
class OutsideLine:
    """A line with its recorded calls outside every rule. `name` is the directory's, else as listed, else "". `target` is the contact center
    or coaching team that could get a rule, `office` the office of a line that the directory shows."""

    kind: LineKind
    id: str
    name: str
    calls: int
    recordings: int
    target: Target | None = None
    office: Office | None = None


@dataclass(frozen=True, slots=True)
class OutsideKind:
    kind: LineKind
    lines: int
    calls: int
    recordings: int


@dataclass(frozen=True, slots=True)
class Outside:
    """The recorded calls outside every rule of `days` days, of which `known` were listed for the whole company. `lines` are in the order of
    their recordings, the most first; of the whole company, or, with `offices`, only those of so many offices. `unread` unreadable entries
    may be such calls, whether or not a person has closed them."""

    days: int
    known: KnownDays
    lines: tuple[OutsideLine, ...]
    offices: int | None = None
    unread: int = 0

    @property
    def certain(self) -> bool:
        """Whether no recorded call is outside every rule: all of every day is known, and it has none."""
        return not self.calls and 0 < self.days <= self.known.days and self.offices is None and not self.unread

    @property
    def calls(self) -> int:
        return sum(line.calls for line in self.lines)

    @property
    def recordings(self) -> int:
        return sum(line.recordings for line in self.lines)

    @property
    def kinds(self) -> list[OutsideKind]:
        """The sums by kind, in the order of `KINDS`; kinds without a call are left out."""
        found = []
        for kind in KINDS:
            if mine := [line for line in self.lines if line.kind is kind]:
                found.append(OutsideKind(kind, len(mine), sum(line.calls for line in mine), sum(line.recordings for line in mine)))
        return found


def of_past(company: Company, now: datetime, offices: Collection[int] | None = None) -> Outside:
    """Return the figures of the past two years: of the UTC days that a Back up now lists whole in any zone, up to the last day that is
    expected to be listed."""
    first = windows.two_years_before(windows.day_of(ms(now))) + timedelta(days=1)
    return outside(company, first, windows.day_of(ms(now - GRACE)) - timedelta(days=1), offices)


def outside(company: Company, since: date, until: date, offices: Collection[int] | None = None) -> Outside:
    """Return the figures of these UTC days, both included. With `offices` (ledger ids) only lines of these offices: the directory shows no
    office of departments, persons and rooms, so they are left out."""
    how = fingerprint(company)
    counted_lines = figures.by_line(company.pk, since, until, how)
    directory = _Directory(company, {one.kind for one in counted_lines})
    lines = (directory.line(one) for one in counted_lines if not directory.has_rule(one))
    shown = tuple(line for line in lines if offices is None or (line.office is not None and line.office.pk in offices))
    return Outside(
        max(0, (until - since).days + 1),
        figures.known_days(company.pk, since, until, how),
        shown,
        None if offices is None else len(offices),
        _unread(company, since, until, offices),
    )


def _unread(company: Company, since: date, until: date, offices: Collection[int] | None) -> int:
    """Count the unreadable entries of these days that name no target, or one without a rule."""
    ours = Q(target__backed_up=False) if offices is None else Q(target__backed_up=False, target__office__in=offices)
    span = at(windows.day_start_ms(since)), at(windows.day_start_ms(until) + windows.DAY_MS)
    return unread.count(unread.find(company.pk, None, *span).filter(Q(target=None) | ours))


class _Directory:
    """What the directory knows of lines of these kinds: names, offices and rules."""

    def __init__(self, company: Company, kinds: Collection[LineKind]) -> None:
        targets = company.targets.select_related("office").filter(kind__in=kinds)
        people = LineKind.USER in kinds
        taught = Member.objects.filter(team__company=company, team__backed_up=True).values_list("user_id", flat=True)
        self._targets = {(one.kind, one.dialpad_id): one for one in targets}
        self._offices = {one.dialpad_id: one for one in company.offices.all()} if LineKind.OFFICE in kinds else {}
        self._users = dict(User.objects.filter(company=company).values_list("dialpad_id", "name")) if people else {}
        self._trainees = set(taught) if people else set()

    def has_rule(self, one: LineCount) -> bool:
        target = self._targets.get((one.kind, one.id))
        return (target is not None and target.backed_up) or (one.kind is LineKind.USER and one.id in self._trainees)

    def line(self, one: LineCount) -> OutsideLine:
        target, office = self._targets.get((one.kind, one.id)), self._offices.get(one.id) if one.kind is LineKind.OFFICE else None
        if target is not None:
            office = target.office
        known = self._users.get(one.id) if one.kind is LineKind.USER else getattr(target or office, "name", "")
        return OutsideLine(one.kind, one.id, known or one.name, one.calls, one.recordings, target, office)


def said(found: Outside) -> str:
    """Say how many recorded calls are outside every rule, by kind, and of which days this is known."""
    if not found.known.days:
        return _("How many recorded calls are outside every rule is not known yet: no day of the whole company has been listed for this.")
    if not found.calls:
        answer = none_said(found)
    else:
        sentence = ngettext(
            "%(count)s recorded call is outside every rule. Rokuon does not copy it.",
            "%(count)s recorded calls are outside every rule. Rokuon does not copy them.",
            found.calls,
        )
        answer = counted(sentence, found.calls)
    return join_sentences(answer, days_said(found), *unread_said(found))


def none_said(found: Outside) -> str:
    """Say that there is none, as far as that is known: of the whole company, of the days that are listed, or of the lines of offices."""
    if found.certain:
        return _("No recorded call is outside every rule.")
    if found.offices is None:
        return _("No recorded call outside every rule was listed.")
    return ngettext(
        "No recorded call outside every rule was listed on the lines of this office.",
        "No recorded call outside every rule was listed on the lines of these offices.",
        found.offices,
    )


def unread_said(found: Outside) -> list[str]:
    sentence = ngettext(
        "%(count)s entry of Dialpad's call list could not be read, so the figure may be too low.",
        "%(count)s entries of Dialpad's call list could not be read, so the figure may be too low.",
        found.unread,
    )
    return if_any(sentence, found.unread)


def days_said(found: Outside) -> str:
    told = {"known": number(found.known.days), "days": number(found.days)}
    if found.known.days >= found.days:
        return ngettext("Counted on %(days)s day.", "Counted on all %(days)s days.", found.days) % told
    return ngettext("Counted on %(known)s of %(days)s day.", "Counted on %(known)s of %(days)s days.", found.days) % told


def kinds_said(kinds: Iterable[OutsideKind]) -> list[str]:
    """Return a line for each kind, such as "Departments: 12"."""
    return [_("%(kind)s: %(count)s") % {"kind": _(KINDS[one.kind]), "count": number(one.calls)} for one in kinds]
