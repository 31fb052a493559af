"""Days that are not listed from end to end, by reason, for the failure page and `rokuon failures`."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from rokuon.ledger.unlisted import COMING, Gap

from .lacks import days_of
from .unknown import Unknown


@dataclass(frozen=True, slots=True)
class UnlistedDays:
    """Days that are not listed for one reason (a reason code). `targets` are (target, days), the largest number first."""

    reason: str
    gaps: tuple[Gap, ...]

    @property
    def days(self) -> int:
        """The number of days; a day counts once for any number of targets."""
        return days_of(self.gaps)

    @property
    def first(self) -> date:
        return min(gap.first for gap in self.gaps)

    @property
    def last(self) -> date:
        return max(gap.last for gap in self.gaps)

    @property
    def targets(self) -> list[tuple[int, int]]:
        return ranked((gap.target_id, gap.days) for gap in self.gaps)


def ranked(days: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    summed: Counter[int] = Counter()
    for target, count in days:
        summed[target] += count
    return sorted(summed.items(), key=lambda pair: (-pair[1], pair[0]))


def parts(unknown: Unknown) -> list[UnlistedDays]:
    """Group gaps by reason, the largest group first, without days that a run will list."""
    by_reason = defaultdict(list)
    for gap in unknown.gaps:
        if gap.reason != COMING:
            by_reason[gap.reason].append(gap)
    found = [UnlistedDays(reason, tuple(gaps)) for reason, gaps in by_reason.items()]
    return sorted(found, key=lambda part: (-part.days, part.reason))
