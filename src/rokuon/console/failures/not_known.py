"""Read model of the failure page's part "not known": days not listed from end to end, and entries that could not be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from rokuon.accounts.permissions import AccessReach
from rokuon.completeness import unknown
from rokuon.completeness.lacks import DayRange, ranges_of
from rokuon.completeness.parts import UnlistedDays, parts
from rokuon.console.web import guards
from rokuon.domain.failures import EntryUnreadable
from rokuon.ledger import unread
from rokuon.ledger.models import Unreadable
from rokuon.ledger.reasons import in_words
from rokuon.org.models import Company, Target
from rokuon.org.tree import zone_of

MOST_TARGETS = 5
MOST_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class ShownPart:
    part: UnlistedDays
    sentence: str
    targets: tuple[tuple[Target, int], ...]
    more: int


@dataclass(frozen=True, slots=True)
class UnknownList:
    """Everything that is not known. `entries` are those that this person may see, closed ones too, each with the zone of its times; the
    open ones come first. `unreadable` counts all open entries, also those that may belong to any target; only a person with the whole
    company in reach sees those one by one. `explained` counts the closed entries in the same way. `ranges` are all days that are not
    listed, each day once, with those that are about to be listed."""

    parts: Sequence[ShownPart]
    unreadable: int
    entries: Sequence[tuple[Unreadable, str]]
    sentence: str
    explained: int = 0
    reason: str = EntryUnreadable.reason
    ranges: Sequence[DayRange] = ()

    def __bool__(self) -> bool:
        return bool(self.ranges or self.unreadable)

    @property
    def unshown(self) -> int:
        return max(0, self.unreadable + self.explained - len({entry.mark for entry, _zone in self.entries}))

    @property
    def may_reopen(self) -> bool:
        return any(entry.closed_at is not None for entry, _zone in self.entries)


def load_unknown(company: Company, reach: AccessReach, now: datetime) -> UnknownList:
    targets = {target.pk: target for target in guards.targets(reach)}
    found = unknown.find_unknown(company, targets.values(), now)
    entries: list[Unreadable] = []
    if found.unreadable or found.explained:
        ids = [target.pk for target in targets.values() if target.backed_up]
        open_first = unread.find(company.pk, ids, of_nobody=reach.whole).order_by(F("closed_at").asc(nulls_first=True), "-after", "-pk")
        entries = list(open_first[:MOST_ENTRIES])
    return UnknownList(
        [_shown(part, targets) for part in parts(found)],
        found.unreadable,
        [(entry, zone_of(entry.target) if entry.target is not None else "") for entry in entries],
        in_words(EntryUnreadable.reason),
        found.explained,
        ranges=ranges_of(found.gaps),
    )


def _shown(part: UnlistedDays, targets: dict[int, Target]) -> ShownPart:
    hit = [(targets[pk], days) for pk, days in part.targets]
    return ShownPart(part, in_words(part.reason), tuple(hit[:MOST_TARGETS]), max(0, len(hit) - MOST_TARGETS))
