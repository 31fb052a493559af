"""Missing knowledge about a backup in numbers and in sentences: days that are not listed, and entries that could not be read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from rokuon.base.i18n import ngettext
from rokuon.base.measures import number
from rokuon.ledger.unlisted import Gap

from .unknown import Unknown


@dataclass(frozen=True, slots=True)
class DayRange:
    """Adjacent calendar days, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Lacks:
    """Missing knowledge, in numbers: unreadable entries, days that could not be listed, targets that were `never` listed of all `targets`,
    days that were not requested, and days that will be listed soon. A day counts once for any number of targets. `explained` counts
    unreadable entries that a person closed: they are not missing knowledge any more. `since` is the first wanted day, as an ISO date, if a
    person asked for less than two years of a target, else ""."""

    unreadable: int = 0
    refused: int = 0
    never: int = 0
    targets: int = 0
    untried: int = 0
    awaited: int = 0
    days: int = 0
    explained: int = 0
    since: str = ""

    def __bool__(self) -> bool:
        return bool(self.unreadable or self.days)

    @classmethod
    def of(cls, unknown: Unknown) -> "Lacks":
        return cls(
            unreadable=unknown.unreadable,
            refused=days_of(unknown.refused),
            never=len(unknown.never),
            targets=unknown.targets,
            untried=days_of(unknown.untried),
            awaited=days_of(unknown.awaited),
            days=days_of(unknown.gaps),
            explained=unknown.explained,
            since=unknown.since.isoformat() if unknown.since is not None else "",
        )


def said(lacks: Lacks) -> list[str]:
    """Return the missing knowledge in whole sentences, the worst first."""
    unreadable = ngettext(
        "%(count)s entry of Dialpad's call list could not be read.",
        "%(count)s entries of Dialpad's call list could not be read.",
        lacks.unreadable,
    )
    refused = ngettext(
        "The calls of %(count)s day could not be listed from end to end.",
        "The calls of %(count)s days could not be listed from end to end.",
        lacks.refused,
    )
    never = ngettext(
        "%(some)s of %(all)s contact centers and coaching teams was never listed.",
        "%(some)s of %(all)s contact centers and coaching teams were never listed.",
        lacks.never,
    ) % {"some": number(lacks.never), "all": number(lacks.targets)}
    untried = ngettext(
        "The calls of %(count)s day were not listed from end to end yet.",
        "The calls of %(count)s days were not listed from end to end yet.",
        lacks.untried,
    )
    awaited = ngettext(
        "The calls of %(count)s day are about to be listed.", "The calls of %(count)s days are about to be listed.", lacks.awaited
    )
    return [
        *if_any(unreadable, lacks.unreadable),
        *if_any(refused, lacks.refused),
        *([never] if lacks.never else []),
        *if_any(untried, lacks.untried),
        *if_any(awaited, lacks.awaited),
    ]


def days_of(gaps: Iterable[Gap]) -> int:
    """Count the calendar days in these gaps, each day once."""
    return sum(part.days for part in ranges_of(gaps))


def ranges_of(gaps: Iterable[Gap]) -> list[DayRange]:
    """Return the calendar days in these gaps as ranges, each day once, the oldest first."""
    ranges: list[DayRange] = []
    for first, last in sorted((gap.first, gap.last) for gap in gaps):
        if ranges and first <= ranges[-1].last + timedelta(days=1):
            ranges[-1] = DayRange(ranges[-1].first, max(last, ranges[-1].last))
        else:
            ranges.append(DayRange(first, last))
    return ranges


def counted(sentence: str, count: int) -> str:
    return sentence % {"count": number(count)}


def if_any(sentence: str, count: int) -> list[str]:
    return [counted(sentence, count)] if count else []
