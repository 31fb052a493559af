"""What the overview shows, within a person's reach: are we safe, since when not, and why not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from rokuon.accounts.may import Reach
from rokuon.domain import windows
from rokuon.ledger import expiry, overview, read, tally
from rokuon.ledger.models import Hold
from rokuon.ledger.overview import Day, DayState
from rokuon.ledger.reasons import in_words
from rokuon.ledger.runs import OPEN
from rokuon.ledger.sql import ms
from rokuon.ledger.tally import Cause, Counts, Pace
from rokuon.ops import i18n
from rokuon.org.models import Bucket, Company, Target
from rokuon.org.tree import zone_of
from rokuon.wiring.backup_now import fingerprint

from . import runs
from .strip import holds_within

DAYS = 90
ROWS = 25
"""Targets of the calendar on one page."""

FRESH_DAYS = 2
"""The newest UTC days are not expected to be listed whole: the day is not over, or no run has come by since."""


@dataclass(frozen=True, slots=True)
class Why:
    """A cause with its sentence: what happened and what to do."""

    cause: Cause
    sentence: str


@dataclass(frozen=True, slots=True)
class HoldSaid:
    """An open hold. `on` names what is stopped, in words; `sentence` says why and what to do."""

    hold: Hold
    on: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Row:
    """A target of the calendar with its 90 days."""

    target: Target
    days: Sequence[Day]

    def count(self, state: DayState) -> int:
        return sum(day.state is state for day in self.days)


@dataclass(frozen=True, slots=True)
class Oldest:
    target: Target
    call_started_at: datetime
    age_s: float

    @property
    def zone(self) -> str:
        return zone_of(self.target)


@dataclass(frozen=True, slots=True)
class Leaving:
    """Recordings that are not backed up and that Dialpad hands out only so long: `soon` leave within a week, the first at `first`;
    `past` have left. Those of `soon` are of calls of the days [since, until]."""

    soon: int
    past: int
    first: datetime | None
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Look:
    """Everything but the calendar. `unread` is how many backed-up targets have days that were not listed from end to end."""

    counts: Counts
    failures: list[Why]
    others: list[Why]
    holds: list[HoldSaid]
    oldest: Oldest | None
    unnamed: int
    backed_up: int
    unread: int
    leaving: Leaving | None = None

    @property
    def causes(self) -> int:
        return sum(one.cause.state == "failed" for one in self.failures)

    @property
    def share(self) -> str:
        """Protected, of what is to be protected, in percent; never rounded up to 100."""
        wanted = self.counts.verified + self.counts.pending + self.counts.failed
        if not wanted:
            return "–"
        share = math.floor(10_000 * self.counts.verified / wanted) / 100
        return f"{share:.0f}" if share == 100 else f"{share:.2f}"


def look(company: Company, reach: Reach, targets: Sequence[Target], now: datetime) -> Look:
    """`targets` are those asked for, within reach."""
    ids = [target.pk for target in targets]
    causes = tally.causes(company.pk, ids)
    failures = [*(one for one in causes if one.state == "failed"), *(one for one in causes if one.state == "gone")]
    return Look(
        counts=tally.total(causes),
        failures=[Why(cause, in_words(cause.reason)) for cause in failures],
        others=[Why(cause, in_words(cause.reason)) for cause in causes if cause.state in ("pending", "excluded") and cause.reason],
        holds=_holds(company, reach),
        oldest=_oldest(targets, now),
        unnamed=sum(read.details_missing(company.pk, ids).values()),
        backed_up=sum(target.backed_up for target in targets),
        unread=_unread(company, [target.pk for target in targets if target.backed_up], now),
        leaving=_leaving(company, ids, now),
    )


def _leaving(company: Company, ids: Sequence[int], now: datetime) -> Leaving | None:
    """None where the company's contract names no window, or nothing leaves."""
    days = company.access_window_days
    found = expiry.expiring(company.pk, days, now) if days is not None else {}
    mine = [found[target] for target in ids if target in found]
    if days is None or not mine:
        return None
    leaves = now - timedelta(days=days)
    return Leaving(
        sum(one.expiring for one in mine),
        sum(one.expired for one in mine),
        min((one.first_deadline for one in mine if one.first_deadline is not None), default=None),
        leaves.date(),
        (leaves + expiry.SOON).date(),
    )


def _oldest(targets: Sequence[Target], now: datetime) -> Oldest | None:
    found = overview.oldest_unprotected([target.pk for target in targets])
    if found is None:
        return None
    target = next(one for one in targets if one.pk == found.target_id)
    return Oldest(target, found.call_started_at, (now - found.call_started_at).total_seconds())


def _unread(company: Company, ids: Sequence[int], now: datetime) -> int:
    last = windows.day_of(ms(now)) - timedelta(days=FRESH_DAYS)
    first = last - timedelta(days=DAYS - FRESH_DAYS - 1)
    listed = overview.listed_days(ids, first, last, fingerprint(company))
    return sum(listed.get(target, 0) < (last - first).days + 1 for target in ids)


def _holds(company: Company, reach: Reach) -> list[HoldSaid]:
    urls = {str(bucket.pk): bucket.url for bucket in Bucket.objects.filter(company=company)}
    return [HoldSaid(hold, _stopped(hold, urls), in_words(hold.reason)) for hold in holds_within(company, reach)]


KINDS = {
    "callrecording": gettext_noop("Call recordings"),
    "admincallrecording": gettext_noop("Recordings by admins"),
    "voicemail": gettext_noop("Voicemail"),
}


def _stopped(hold: Hold, urls: dict[str, str]) -> str:
    if hold.on == Hold.On.BUCKET:
        return urls.get(hold.ref, hold.ref)
    return _(KINDS[hold.ref]) if hold.ref in KINDS else _("Everything from Dialpad")


@dataclass(frozen=True, slots=True)
class Answer:
    """The sentence that the page opens with, and what is added to it. `mood` is a state: verified, waiting, held, failed, excluded."""

    mood: str
    sentence: str
    added: list[str]

    @property
    def more(self) -> str:
        return i18n.join_sentences(*self.added)


def answer(look: Look) -> Answer:
    """Are we safe? What needs a person comes first, then what waits, and only then what is well."""
    counts = look.counts
    more = [_safe(counts.verified, everything=not (counts.failed or counts.pending))] if counts.verified else []
    unread = _unread_said(look)
    if counts.failed:
        sentence = ngettext("%(count)s recording is not backed up", "%(count)s recordings are not backed up", counts.failed)
        causes = ngettext("%(count)s cause, named below.", "%(count)s causes, named below.", look.causes) % {"count": look.causes}
        return Answer("failed", _counted(sentence, counts.failed), [causes, *_on_their_way(counts.pending), *more, *unread])
    if counts.pending and look.holds:
        sentence = ngettext("%(count)s recording is held", "%(count)s recordings are held", counts.pending)
        why = _("The reason stands below. They go on by themselves once it is gone.")
        return Answer("held", _counted(sentence, counts.pending), [why, *more, *unread])
    if counts.pending:
        sentence = ngettext(
            "%(count)s recording is on its way to your bucket", "%(count)s recordings are on their way to your bucket", counts.pending
        )
        return Answer("waiting", _counted(sentence, counts.pending), [*more, *unread])
    if counts.verified:
        sentence = ngettext("The only recording found is in your bucket", "All %(count)s recordings are in your bucket", counts.verified)
        return Answer("verified", _counted(sentence, counts.verified), [*more, *unread])
    if counts.discovered:
        return Answer("excluded", _("No recording is left to back up"), unread)
    return Answer("excluded", _("No recording was found yet"), [])


def _counted(sentence: str, count: int) -> str:
    return sentence % {"count": f"{count:,}"}


def _safe(verified: int, *, everything: bool) -> str:
    if everything:
        return _("Each was proven to be whole, and the bucket confirmed what it keeps.")
    sentence = ngettext("The other one is in your bucket, verified.", "The other %(count)s are in your bucket, verified.", verified)
    return _counted(sentence, verified)


def _on_their_way(pending: int) -> list[str]:
    return [_counted(ngettext("%(count)s more is on its way.", "%(count)s more are on their way.", pending), pending)] if pending else []


def _unread_said(look: Look) -> list[str]:
    if not look.unread:
        return []
    sentence = _("%(some)s of %(all)s contact centers and coaching teams were not looked through for all of the last 90 days yet.")
    return [sentence % {"some": look.unread, "all": look.backed_up}]


def days_until(targets: Sequence[Target], now: datetime) -> list[date]:
    """The calendar's days, oldest first, up to the day that the farthest east of these targets has today."""
    last = max(windows.local_date(ms(now), zone_of(target)) for target in targets)
    return [last - timedelta(days=number) for number in range(DAYS - 1, -1, -1)]


def calendar(company: Company, targets: Sequence[Target], days: Sequence[date], now: datetime) -> list[Row]:
    """A row for each target, up to the day that it has today."""
    zones = {target.pk: zone_of(target) for target in targets}
    found = overview.calendar(company.pk, zones, days[0], days[-1], fingerprint(company))
    today = {zone: windows.local_date(ms(now), zone) for zone in set(zones.values())}
    begun = {zone: sum(day <= last for day in days) for zone, last in today.items()}
    return [Row(target, found[target.pk][: begun[zones[target.pk]]]) for target in targets]


MOST_RUNS = 3


@dataclass(frozen=True, slots=True)
class Work:
    """What is being copied now. `seconds_left` is None while nothing arrives, or nothing waits."""

    runs: list[runs.Look]
    more_runs: int
    pending: int
    pace: Pace

    @property
    def seconds_left(self) -> float | None:
        return self.pending / self.pace.per_second if self.pace.copies and self.pending else None


def work(company: Company, reach: Reach, targets: Sequence[Target], now: datetime, pending: int | None = None) -> Work:
    """`pending` where it is known already."""
    ids = [target.pk for target in targets]
    going_on = list(runs.visible(reach).filter(state__in=OPEN))
    return Work(
        runs=[runs.look(company, run, reach, now) for run in going_on[:MOST_RUNS]],
        more_runs=max(0, len(going_on) - MOST_RUNS),
        pending=tally.pending(company.pk, ids) if pending is None else pending,
        pace=tally.verified_of_late(company.pk, ids),
    )
