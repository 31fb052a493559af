"""Estimate of a run's cost from one page of each window (M11, C12), made before two years are listed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from rokuon.domain.classify import Classifier
from rokuon.domain.pace import CurrentBudget, seconds_for
from rokuon.domain.ports import Source
from rokuon.domain.recording import ListingPage, ScopeKind
from rokuon.domain.windows import DAY_MS, day_of

from .backfill import PlannedWindow
from .discover import Targets

CALLS_PER_PAGE = 50
MOST_EMPTY_PAGES = 20
"""A window is not estimated if this many first pages are empty because the source ignores the range."""
BYTES_PER_MS = 2.0
"""16 kbit/s, as observed in Dialpad's recordings. The ledger's own measurement replaces it as soon as there is one."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """`exact`: every window fitted on the one page that was read. `seconds` is computed with the current budget. `already` recordings are
    verified and are not part of `recordings`. `outside` counts the recorded calls that belong to no target with a rule; None if a window is
    not listed by the company, or if there is none."""

    windows: int
    pages: int
    calls: int
    recordings: int
    bytes: int
    requests: int
    seconds: float
    exact: bool
    already: int
    outside: int | None


@dataclass(frozen=True, slots=True)
class Rates:
    """`bytes_per_ms` is the ledger's measurement so far."""

    budget: CurrentBudget
    bytes_per_ms: float = BYTES_PER_MS


@dataclass(frozen=True, slots=True)
class _Sample:
    calls: int
    recordings: int
    audio_ms: float
    exact: bool
    outside: int = 0


async def estimate(source: Source, windows: Sequence[PlannedWindow], targets: Targets, rates: Rates, already: int) -> Estimate:
    """Read the newest page of each window and extrapolate by time. `already` recordings in these windows are verified."""
    samples = [await _sample(source, window, targets) for window in windows]
    calls = sum(sample.calls for sample in samples)
    found = sum(sample.recordings for sample in samples)
    recordings = max(0, found - already)
    audio_ms = sum(sample.audio_ms for sample in samples) * (recordings / found if found else 0)
    pages = sum(max(1, -(-sample.calls // CALLS_PER_PAGE)) for sample in samples)
    requests = pages + recordings * rates.budget.per_recording
    return Estimate(
        windows=len(windows),
        pages=pages,
        calls=calls,
        recordings=recordings,
        bytes=round(audio_ms * rates.bytes_per_ms),
        requests=requests,
        seconds=seconds_for(pages, recordings, rates.budget),
        exact=all(sample.exact for sample in samples),
        already=already,
        outside=_outside(windows, samples),
    )


def _outside(windows: Sequence[PlannedWindow], samples: Sequence[_Sample]) -> int | None:
    """Sum up the calls outside every rule. Targets with different days to list have windows of their own: a day counts once."""
    if not windows or any(window.scope.kind is not ScopeKind.COMPANY for window in windows):
        return None
    total, counted = 0.0, set[date]()
    for window, sample in zip(windows, samples, strict=True):
        days = {day_of(at_ms) for at_ms in range(window.wanted.after_ms, window.wanted.before_ms, DAY_MS)}
        total += sample.outside * len(days - counted) / len(days)
        counted |= days
    return round(total)


async def _sample(source: Source, window: PlannedWindow, targets: Targets) -> _Sample:
    pages = 0
    async for page in source.pages(window.scope, window.wanted):
        pages += 1
        if page.calls or page.last:
            return _extrapolate(page, window, targets)
        if pages == MOST_EMPTY_PAGES:
            break
    return _Sample(0, 0, 0, exact=False)


def _extrapolate(page: ListingPage, window: PlannedWindow, targets: Targets) -> _Sample:
    inside = {scope for scope, plan in targets.plans.items() if plan.id in window.targets}
    classifier = Classifier(inside, targets.trainees, ruled=targets.ruled)
    classifier.take(page.calls)
    kept = [recording for call in classifier.finish() for recording in call.recordings if not recording.excluded]
    outside = len(classifier.outside())
    audio_ms = sum(recording.duration_ms or 0 for recording in kept)
    if page.last or not page.calls:
        return _Sample(len(page.calls), len(kept), audio_ms, exact=True, outside=outside)
    seen = window.wanted.before_ms - min(call.started_ms for call in page.calls)
    factor = (window.wanted.before_ms - window.wanted.after_ms) / max(1, seen)
    calls, recordings, beside = (round(found * factor) for found in (len(page.calls), len(kept), outside))
    return _Sample(calls, recordings, audio_ms * factor, exact=False, outside=beside)
