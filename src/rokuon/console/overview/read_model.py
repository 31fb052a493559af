"""Read model of the overview within a person's reach: whether everything is backed up, and if not, since when and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from rokuon.accounts.permissions import AccessReach
from rokuon.completeness.headline import Headline, HeadlineFacts, facts_of, headline
from rokuon.completeness.options import fingerprint
from rokuon.console.runs import read_model as runs
from rokuon.console.runs.stopped_text import StoppedText, in_text
from rokuon.console.web.status_banner import holds_within
from rokuon.domain import windows
from rokuon.ledger import expiry, overview, tally
from rokuon.ledger.models import Hold
from rokuon.ledger.overview import Day, DayState
from rokuon.ledger.reasons import in_words
from rokuon.ledger.runs import OPEN
from rokuon.ledger.sql import ms
from rokuon.ledger.tally import Counts, MeasuredRate, StateCount
from rokuon.org.models import Bucket, Company, Target
from rokuon.org.tree import zone_of
from rokuon.wiring import time_left

DAYS = 90
ROWS = 25
"""Number of targets on one page of the calendar."""


@dataclass(frozen=True, slots=True)
class CauseText:
    """A cause with its sentence: what happened and what to do."""

    cause: StateCount
    sentence: str


@dataclass(frozen=True, slots=True)
class HoldSaid:
    """An open hold in words. `on` names what is stopped; `sentence` says why and what to do."""

    hold: Hold
    on: str
    sentence: str


@dataclass(frozen=True, slots=True)
class CalendarRow:
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
    """Recordings that are not backed up and leave, or have left, Dialpad's access window: `soon` leave within a week, the first at `first`;
    `past` have left. The calls of `soon` are of the days [since, until]."""

    soon: int
    past: int
    first: datetime | None
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Overview:
    """The data of the overview page, except the calendar."""

    facts: HeadlineFacts
    failures: list[CauseText]
    others: list[CauseText]
    holds: list[HoldSaid]
    oldest: Oldest | None
    backed_up: int
    leaving: Leaving | None

    @property
    def counts(self) -> Counts:
        return self.facts.counts

    @property
    def unnamed(self) -> int:
        return self.facts.unnamed

    @property
    def held_buckets(self) -> set[str]:
        """The ids of the buckets on hold, as text."""
        return {one.hold.ref for one in self.holds if one.hold.on == Hold.On.BUCKET}


def load_overview(company: Company, reach: AccessReach, targets: Sequence[Target], now: datetime) -> Overview:
    """Return the overview of `targets`: those asked for, within reach."""
    ids = [target.pk for target in targets]
    causes = tally.causes(company.pk, ids)
    failures = [*(one for one in causes if one.state == "failed"), *(one for one in causes if one.state == "gone")]
    stopped = _holds(company, reach)
    return Overview(
        facts=facts_of(company, targets, now, causes=causes, held=bool(stopped)),
        failures=[CauseText(cause, in_words(cause.reason)) for cause in failures],
        others=[CauseText(cause, in_words(cause.reason)) for cause in causes if cause.state in ("pending", "excluded") and cause.reason],
        holds=stopped,
        oldest=_oldest(targets, now),
        backed_up=sum(target.backed_up for target in targets),
        leaving=_leaving(company, ids, now),
    )


def _leaving(company: Company, ids: Sequence[int], now: datetime) -> Leaving | None:
    """Return None if the company's contract has no access window, or if nothing leaves it."""
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


def _holds(company: Company, reach: AccessReach) -> list[HoldSaid]:
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


def answer(look: Overview) -> Headline:
    """Return the headline: whether everything is backed up."""
    return headline(look.facts)


def days_until(targets: Sequence[Target], now: datetime) -> list[date]:
    """Return the calendar's days, oldest first, up to the current day of the easternmost of these targets."""
    last = max(windows.local_date(ms(now), zone_of(target)) for target in targets)
    return [last - timedelta(days=number) for number in range(DAYS - 1, -1, -1)]


def calendar(company: Company, targets: Sequence[Target], days: Sequence[date], now: datetime) -> list[CalendarRow]:
    """Return a row for each target, up to the target's current day."""
    zones = {target.pk: zone_of(target) for target in targets}
    found = overview.calendar(company.pk, zones, days[0], days[-1], fingerprint(company))
    today = {zone: windows.local_date(ms(now), zone) for zone in set(zones.values())}
    begun = {zone: sum(day <= last for day in days) for zone, last in today.items()}
    return [CalendarRow(target, found[target.pk][: begun[zones[target.pk]]]) for target in targets]


MOST_RUNS = 3


@dataclass(frozen=True, slots=True)
class WorkInProgress:
    """What is being copied now. `seconds_left` is for the pending copies that can be tried now, None if none makes progress; `stopped` are
    the others."""

    runs: list[runs.RunPage]
    more_runs: int
    pending: int
    pace: MeasuredRate
    seconds_left: float | None
    stopped: Sequence[StoppedText]


def work(company: Company, reach: AccessReach, targets: Sequence[Target], now: datetime, pending: int | None = None) -> WorkInProgress:
    """Return the work in progress. Give `pending` if it is known already."""
    ids = [target.pk for target in targets]
    going_on = list(runs.visible(reach).filter(state__in=OPEN))
    pending = tally.pending(company.pk, ids) if pending is None else pending
    pace = tally.verified_recently(company.pk, ids)
    remaining = time_left.of_pending(company, ids, pending, pace.per_second, now)
    return WorkInProgress(
        runs=[runs.load_run(company, run, reach, now) for run in going_on[:MOST_RUNS]],
        more_runs=max(0, len(going_on) - MOST_RUNS),
        pending=pending,
        pace=pace,
        seconds_left=remaining.left.seconds if remaining.left is not None else None,
        stopped=in_text(remaining.stopped),
    )
