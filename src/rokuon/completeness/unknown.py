"""Missing knowledge about a set of targets: days that are not listed from end to end, and unreadable entries.

A target's days are wanted from the earliest start of any Back up now for it, but for at most two years; without one, for two years. They
are expected to be listed `GRACE` after they end, which leaves time for the sweeps.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from rokuon.domain import windows
from rokuon.domain.failures import DaysListedOtherwise, DaysNeverListed
from rokuon.domain.ports import TimeRange
from rokuon.ledger import reach, unlisted, unread
from rokuon.ledger.sql import at, ms
from rokuon.ledger.unlisted import COMING, Days, Gap
from rokuon.org.models import Company, Target
from rokuon.org.tree import zone_of

from .options import fingerprint

GRACE = timedelta(hours=3)
NOT_TRIED = frozenset({DaysNeverListed.reason, DaysListedOtherwise.reason})


@dataclass(frozen=True, slots=True)
class Unknown:
    """Missing knowledge about `targets` backed-up targets. By target, `days` is the number of its wanted days that are not listed, and
    `coming` the number of those that an open run will list; `never` are the targets of which no wanted day is listed. `unreadable` counts
    unexplained entries that could not be read, `explained` the explained ones. `since` is the first wanted day if a person asked for less
    than two years of a target."""

    targets: int = 0
    days: dict[int, int] = field(default_factory=dict)
    coming: dict[int, int] = field(default_factory=dict)
    never: frozenset[int] = frozenset()
    gaps: tuple[Gap, ...] = ()
    unreadable: int = 0
    explained: int = 0
    since: date | None = None

    def __bool__(self) -> bool:
        return bool(self.days or self.unreadable)

    @property
    def refused(self) -> tuple[Gap, ...]:
        """Gaps that could not be listed."""
        return tuple(gap for gap in self.gaps if gap.reason not in NOT_TRIED and gap.reason != COMING)

    @property
    def untried(self) -> tuple[Gap, ...]:
        """Gaps that were never requested from Dialpad, of targets with other listed days."""
        return tuple(gap for gap in self.gaps if gap.reason in NOT_TRIED and gap.target_id not in self.never)

    @property
    def awaited(self) -> tuple[Gap, ...]:
        return tuple(gap for gap in self.gaps if gap.reason == COMING)

    def never_listed(self, target_id: int) -> bool:
        """Whether no day of the target is listed, and no run will list one."""
        return target_id in self.never


def find_unknown(company: Company, targets: Iterable[Target], now: datetime, within: TimeRange | None = None) -> Unknown:
    """Return the missing knowledge about those of the targets that are backed up; with `within`, about all days and entries in that range,
    whether or not a Back up now included them."""
    ruled = [target for target in targets if target.backed_up] if company.enabled else []
    ids = [target.pk for target in ruled]
    if not ids:
        return Unknown()
    asked = reach.of(ids)
    wanted = {target.pk: _wanted(target, asked.get(target.pk), now, within) for target in ruled}
    wanted = {target: days for target, days in wanted.items() if days[0] <= days[1]}
    how = fingerprint(company)
    short = unlisted.shortages(wanted, how)
    found = unlisted.gaps(company.pk, {target: wanted[target] for target in short}, how) if short else []
    days = {target: one.wanted - one.listed for target, one in short.items()}
    coming: dict[int, int] = {}
    tried = set()
    for gap in found:
        if gap.reason == COMING:
            coming[gap.target_id] = coming.get(gap.target_id, 0) + gap.days
        if gap.reason != DaysNeverListed.reason:
            tried.add(gap.target_id)
    ends = (None, None) if within is None else (at(within.after_ms), at(within.before_ms))
    entries = unread.find(company.pk, ids, *ends)
    return Unknown(
        targets=len(ids),
        days=days,
        coming=coming,
        never=frozenset(target for target, one in short.items() if not one.listed and target not in tried),
        gaps=tuple(found),
        unreadable=unread.count(unread.still_open(entries)),
        explained=unread.count(unread.explained(entries)),
        since=_since(wanted, ruled, now) if within is None else None,
    )


def _wanted(target: Target, asked: datetime | None, now: datetime, within: TimeRange | None) -> Days:
    """Return the first and the last wanted day; the first is after the last if there is none."""
    last = windows.day_of(ms(now - GRACE)) - timedelta(days=1)
    if within is not None:
        days = windows.whole_days(within)
        return (days[0], min(days[-1], last)) if days else (last + timedelta(days=1), last)
    first_ms = _two_years(target, now)
    if asked is not None:
        first_ms = max(first_ms, ms(asked))
    return windows.day_of(first_ms + windows.DAY_MS - 1), last


def _two_years(target: Target, now: datetime) -> int:
    return windows.past_two_years(ms(now), zone_of(target)).after_ms


def _since(wanted: dict[int, Days], targets: Sequence[Target], now: datetime) -> date | None:
    late = [wanted[one.pk][0] for one in targets if one.pk in wanted]
    first = max(late, default=None)
    earliest = min(windows.day_of(_two_years(one, now)) for one in targets)
    return first if first is not None and first > earliest + timedelta(days=2) else None
