"""Read model of Back up now: runs within a person's reach, with their rate, and why something is missing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import QuerySet
from django.http import Http404
from django.utils.translation import gettext as _

from rokuon.accounts.permissions import AccessReach
from rokuon.completeness.headline import Headline, headline
from rokuon.completeness.of_run import facts_of_run
from rokuon.console.web import guards
from rokuon.console.web.status_banner import holds_within
from rokuon.domain import placement
from rokuon.domain.copies import State
from rokuon.domain.failures import leaves
from rokuon.domain.pace import Left
from rokuon.domain.recording import ScopeKind
from rokuon.ledger import history, read, throughput
from rokuon.ledger.models import Run, Window
from rokuon.ledger.read import Counts, RunProgress
from rokuon.ledger.reasons import in_words
from rokuon.ledger.runs import OPEN
from rokuon.org.models import Company, Office, Target
from rokuon.org.tree import zone_of
from rokuon.wiring import time_left
from rokuon.wiring.time_left import Remaining

from .stopped_text import StoppedText, in_text

PAGE = 10
MOST_TARGETS = 200


@dataclass(frozen=True, slots=True)
class RunScope:
    """The scope of a run. `zone` is the time zone of its calls; `office_id` is None for the whole company."""

    kind: ScopeKind
    id: int
    name: str
    zone: str
    office_id: int | None

    @property
    def value(self) -> str:
        return f"{self.kind}:{self.id}"


def scope_of(company: Company, kind: str, scope_id: int) -> RunScope:
    """Return the scope. Raises Http404 if this company does not have it."""
    if kind == ScopeKind.COMPANY:
        return RunScope(ScopeKind.COMPANY, 0, _("Whole company"), guards.company_zone(company), None)
    if kind == ScopeKind.OFFICE:
        office = Office.objects.filter(company=company, pk=scope_id).first()
        if office is not None:
            return RunScope(ScopeKind.OFFICE, office.pk, office.name, office.timezone, office.pk)
    target = Target.objects.select_related("office").filter(company=company, kind=kind, pk=scope_id).first()
    if target is None:
        raise Http404
    return RunScope(ScopeKind(target.kind), target.pk, target.name, zone_of(target), target.office_id)


def visible(reach: AccessReach) -> QuerySet[Run]:
    """Return the runs of Back up now within reach, newest first. Sweeps are left out: they run automatically, and nobody can pause them."""
    if reach.offices is None:
        return Run.objects.filter(company_id=reach.company_id, purpose=Run.Purpose.BACK_UP_NOW).order_by("-pk")
    return history.runs_within(reach.company_id, reach.offices, guards.target_set(reach) or frozenset()).order_by("-pk")


def run_or_404(reach: AccessReach, run_id: int) -> Run:
    run = visible(reach).filter(pk=run_id).first()
    if run is None:
        raise Http404
    return run


@dataclass(frozen=True, slots=True)
class Days:
    """The first and the last day of a run in the company's time zone, both inclusive."""

    first: date
    last: date


def days(run: Run, company_zone: str) -> Days:
    zone = placement.zone(company_zone)
    return Days(run.since.astimezone(zone).date(), (run.until - timedelta(microseconds=1)).astimezone(zone).date())


@dataclass(frozen=True, slots=True)
class TargetRow:
    target: Target
    counts: Counts

    @property
    def settled(self) -> int:
        return throughput.settled(self.counts)


@dataclass(frozen=True, slots=True)
class RunPage:
    """A run at this moment. `partial`: the run goes beyond the reader's reach, and everything here is about the reader's targets only.

    `time` (left) is None if the run makes no progress; `stopped` is what cannot be tried now.
    """

    run: Run
    scope: RunScope
    progress: RunProgress
    rate: throughput.Rate
    partial: bool
    rows: list[TargetRow]
    hidden_rows: int
    time: Left | None
    stopped: Sequence[StoppedText]
    days: Days

    @property
    def open(self) -> bool:
        return self.run.state in OPEN

    @property
    def total(self) -> Counts:
        return self.progress.total

    @property
    def settled(self) -> int:
        return throughput.settled(self.total)

    @property
    def listing(self) -> bool:
        """Whether more recordings may still be found, so that the number of those found is not the number of all."""
        return self.open and (self.progress.listed.to_list > 0 or self.progress.postponed > 0)

    @property
    def windows_left(self) -> int:
        return self.progress.windows - self.progress.windows_done - self.progress.unlisted


def load_run(company: Company, run: Run, reach: AccessReach, now: datetime) -> RunPage:
    within = guards.target_set(reach)
    progress = read.run_progress(run.pk, within)
    listed = Target.objects.filter(pk__in=run.targets).select_related("office").order_by("office__name", "name", "pk")
    targets = [target for target in listed if within is None or target.pk in within]
    scope = scope_of(company, run.scope_kind, run.scope_id)
    rows = [TargetRow(target, progress.targets.get(target.pk, Counts())) for target in targets[:MOST_TARGETS]]
    partial = not reach.covers(scope.office_id)
    rate = throughput.rate(progress.run, now, within)
    remaining = Remaining(None) if progress.run.finished_at else time_left.of_run(company, progress, rate, now)
    hidden, stopped = max(0, len(targets) - MOST_TARGETS), in_text(remaining.stopped)
    span = days(progress.run, guards.company_zone(company))
    return RunPage(progress.run, scope, progress, rate, partial, rows, hidden, remaining.left, stopped, span)


def answer(company: Company, look: RunPage, reach: AccessReach, now: datetime) -> Headline:
    """Return the headline about the targets and days of a run, within reach."""
    targets = list(guards.targets(reach).filter(pk__in=look.run.targets).select_related("office"))
    return headline(facts_of_run(company, look.progress, targets, now, held=bool(holds_within(company, reach))))


@dataclass(frozen=True, slots=True)
class Past:
    """A line of the history. `counts` are those at the end; None for a run that has not ended. `lists` are the states of which as many
    recordings can be listed today: only their figures have a list."""

    run: Run
    scope: RunScope
    counts: Counts | None
    unlisted: int
    partial: bool
    days: Days
    lists: Mapping[str, bool]

    @property
    def changed(self) -> bool:
        """Whether some figure has no list any more."""
        return self.counts is not None and any(getattr(self.counts, state) and not listed for state, listed in self.lists.items())


def past(company: Company, runs: Iterable[Run], reach: AccessReach) -> list[Past]:
    runs, within, zone = list(runs), guards.target_set(reach), guards.company_zone(company)
    unlisted = history.unlisted([run.pk for run in runs], within)
    scopes = {key: scope_of(company, *key) for key in {(run.scope_kind, run.scope_id) for run in runs}}
    found, now = [], history.counts_now(runs, within)
    for run in runs:
        scope, counts = scopes[run.scope_kind, run.scope_id], history.outcome(run, within)
        partial = not reach.covers(scope.office_id)
        found.append(Past(run, scope, counts, unlisted.get(run.pk, 0), partial, days(run, zone), _lists(counts, now[run.pk])))
    return found


def _lists(counts: Counts | None, now: Counts) -> dict[str, bool]:
    return {state: counts is not None and getattr(counts, state) == getattr(now, state) for state in State}


@dataclass(frozen=True, slots=True)
class StateText:
    """`copies` recordings in this state, and the sentence with cause and advice; `code` is the reason code to quote."""

    state: str
    copies: int
    sentence: str
    code: str


def why(run: Run, reach: AccessReach) -> list[StateText]:
    return [
        StateText(cause.state, cause.copies, in_words(cause.reason), cause.reason)
        for cause in history.causes(run, guards.target_set(reach))
    ]


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A window that could not be listed. `again` is when Rokuon tries it again automatically; None if it does not."""

    window: Window
    sentence: str
    again: datetime | None


def unlisted(run: Run, reach: AccessReach) -> list[Unlisted]:
    known = {leaf.reason for leaf in leaves()}
    return [
        Unlisted(window, in_words(window.reason), window.due_at if window.state != Window.State.FAILED else None)
        for window in read.failing_windows(run.pk, guards.target_set(reach))
        if window.reason in known
    ]
