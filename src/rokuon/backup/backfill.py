"""Plan of a Back up now: the windows that a run lists, and the listing for each (M11). Pure: the caller passes sealed days and trust."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from rokuon.domain import expiry, windows
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, Scope


@dataclass(frozen=True, slots=True)
class ListedTarget:
    """A target of the run. `sealed`: its UTC days that need not be listed again. `trusted`: a comparison has shown that a listing by this
    target alone holds every leg that a company listing holds."""

    id: int
    scope: Scope
    sealed: Collection[date]
    trusted: bool


@dataclass(frozen=True, slots=True)
class PlannedWindow:
    scope: Scope
    targets: tuple[int, ...]
    wanted: TimeRange


def plan_windows(
    targets: Sequence[ListedTarget], wanted: TimeRange, *, company_targets: int, now_ms: int, access_window_days: int | None = None
) -> list[PlannedWindow]:
    """Return windows of at most 29 days over the unsealed days of the targets, newest first. With an access window, their order and
    lengths are those that save the most recordings in time (`domain.expiry`).

    Targets with the same unsealed days share windows. Such a share is listed by the whole company, which costs the same number of pages
    for any number of targets. Trusted targets that are fewer than half of the company's are listed one by one, which costs fewer pages.
    """
    shares: dict[frozenset[date], list[ListedTarget]] = defaultdict(list)
    first, last = windows.day_of(wanted.after_ms), windows.day_of(wanted.before_ms)
    for target in targets:
        shares[frozenset(day for day in target.sealed if first <= day <= last)].append(target)
    past_ms = None if access_window_days is None else expiry.past_ms(now_ms, access_window_days)
    cuts = () if past_ms is None else expiry.cuts(past_ms)
    planned = []
    for sealed, share in shares.items():
        for window in windows.days_to_list(wanted, sealed, now_ms=now_ms, cuts=cuts):
            planned += _listings(share, window, company_targets)
    return sorted(planned, key=lambda window: (_turn(window.wanted, past_ms), window.scope))


def _turn(window: TimeRange, past_ms: int | None) -> tuple[int, int]:
    return (0, -window.before_ms) if past_ms is None else expiry.turn(window.after_ms, window.before_ms - 1, past_ms)


def _listings(share: Sequence[ListedTarget], window: TimeRange, company_targets: int) -> list[PlannedWindow]:
    if all(target.trusted for target in share) and 2 * len(share) < company_targets:
        return [PlannedWindow(target.scope, (target.id,), window) for target in share]
    return [PlannedWindow(COMPANY_SCOPE, tuple(sorted(target.id for target in share)), window)]
