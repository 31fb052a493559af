""" "Back up now": which windows a run lists, and by which listing (M11). Pure: what is sealed and trusted is handed in."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from rokuon.domain import expiry, windows
from rokuon.domain.ports import TimeRange
from rokuon.domain.recording import COMPANY_SCOPE, Scope


@dataclass(frozen=True, slots=True)
class ListedTarget:
    """A target of the run. `sealed` are its UTC days that need no second look; `trusted`, whether a listing by this target alone
    was seen to hold every leg that a company listing holds."""

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
    """Windows of at most 29 days over the unsealed days of the targets, newest first; with an access window in the order and the lengths
    in which most recordings are fetched in time (`domain.expiry`).

    Targets with the same unsealed days share windows. A share is listed by the whole company, which costs one set of pages whatever
    the number of targets, unless its targets are trusted and fewer than half of the company's: then one by one costs fewer pages.
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
