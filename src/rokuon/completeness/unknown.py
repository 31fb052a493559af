"""What is not known of a set of targets: days that are not listed from end to end, and entries that could not be read.

A target's days are wanted since a Back up now was first asked for it, but for two years at most; all of two years where there was none.
They are expected to be listed `GRACE` after they end, for the sweeps to come by.
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
    """Of `targets` backed-up targets. `days` and `coming` are, by target, how many of its wanted days are not listed, and how many of
    those a run which has not ended is about to list; `never` are the targets of which no wanted day is listed. `unreadable` counts
    entries that nobody has explained, `explained` the others that could not be read. `since` is the first wanted day where a person
    asked for less than two years of some target."""

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
        """What could not be listed."""
        return tuple(gap for gap in self.gaps if gap.reason not in NOT_TRIED and gap.reason != COMING)

    @property
    def untried(self) -> tuple[Gap, ...]:
        """What nobody asked Dialpad for, of targets of which other days are listed."""
        return tuple(gap for gap in self.gaps if gap.reason in NOT_TRIED and gap.target_id not in self.never)

    @property
    def awaited(self) -> tuple[Gap, ...]:
        return tuple(gap for gap in self.gaps if gap.reason == COMING)

    def never_listed(self, target_id: int) -> bool:
        """Whether nothing of the target is listed and no run is about to."""
        return target_id in self.never


def find_unknown(company: Company, targets: Iterable[Target], now: datetime, within: TimeRange | None = None) -> Unknown:
    """Of those of the targets that are backed up; with `within`, of the days and entries there and whoever asked for them."""
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
    """The first and the last day; upside down for none."""
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
