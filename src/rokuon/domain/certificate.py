"""The sum of a certificate of completeness: what Dialpad listed of some days, and what became of each recording of it.

Always: recordings + calls with nothing to fetch = verified + explained + unaccounted. `Reckoning` is that sum, `DayAccount` says of one
target and local day whether it may be stated.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from enum import StrEnum
from operator import add, attrgetter

from . import windows
from .failures import InternalFault

MOST_DAYS = 732
"""Days of one certificate: two years."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """`calls` were listed, `recorded` of them recorded, and `unnamed` of these with nothing to fetch. The recordings are `verified`,
    `pending`, `failed`, `gone` (lost at Dialpad) or `excluded`; a person has closed `closed_failed` of the failed, `closed_gone` of the
    gone ones and `closed_unnamed` of the calls with nothing to fetch, each with a note. `bytes` are those of the verified recordings."""

    calls: int = 0
    recorded: int = 0
    unnamed: int = 0
    verified: int = 0
    pending: int = 0
    failed: int = 0
    gone: int = 0
    excluded: int = 0
    closed_failed: int = 0
    closed_gone: int = 0
    closed_unnamed: int = 0
    bytes: int = 0

    def __add__(self, other: "Reckoning") -> "Reckoning":
        return Reckoning(*map(add, _terms(self), _terms(other)))

    @property
    def recordings(self) -> int:
        return self.verified + self.pending + self.failed + self.gone + self.excluded

    @property
    def listed(self) -> int:
        """All that has to be accounted for."""
        return self.recordings + self.unnamed

    @property
    def closed(self) -> int:
        return self.closed_failed + self.closed_gone + self.closed_unnamed

    @property
    def explained(self) -> int:
        return self.excluded + self.closed

    @property
    def open_failed(self) -> int:
        return self.failed - self.closed_failed

    @property
    def open_gone(self) -> int:
        return self.gone - self.closed_gone

    @property
    def open_unnamed(self) -> int:
        return self.unnamed - self.closed_unnamed

    @property
    def unaccounted(self) -> int:
        """What is neither verified nor explained. A lost recording is not explained by being lost: a person has to close it."""
        return self.pending + self.open_failed + self.open_gone + self.open_unnamed

    def checked(self) -> "Reckoning":
        """Return the account itself. Raises InternalFault if its terms do not add up: then nothing may be stated."""
        if min(self.open_failed, self.open_gone, self.open_unnamed) < 0 or self.listed != self.verified + self.explained + self.unaccounted:
            raise InternalFault("the terms of a certificate do not add up")
        return self


_terms = attrgetter(*(one.name for one in fields(Reckoning)))
NOTHING = Reckoning()
"""Of a day without a call: most days of most targets."""


class Verdict(StrEnum):
    """Of a target's day, as in a custody file: `UNLISTED` if the list of the day was not read from end to end, else `INCOMPLETE` if
    something is unaccounted for."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True)
class DayAccount:
    """A target's local day. `listed_at` is when the whole day was last listed from end to end, None if it was not, or `unread` entries of
    the list that may belong to it could not be read. `final`: nothing new is expected in that list."""

    day: date
    account: Reckoning
    listed_at: datetime | None = None
    final: bool = False
    unread: int = 0

    @property
    def verdict(self) -> Verdict:
        if self.listed_at is None:
            return Verdict.UNLISTED
        return Verdict.INCOMPLETE if self.account.unaccounted else Verdict.COMPLETE


@dataclass(frozen=True, slots=True)
class SpanAccount:
    """The sum over the days of one or several targets: `days` counts a day for each target. `first_listed` and `last_listed`: the earliest
    and the latest of their listings."""

    account: Reckoning
    days: int
    complete: int
    incomplete: int
    unlisted: int
    final: int
    first_listed: datetime | None
    last_listed: datetime | None

    @property
    def provisional(self) -> bool:
        return self.final < self.days


def add_up(days: Iterable[DayAccount]) -> SpanAccount:
    """Return the sum. Raises InternalFault if its terms do not add up."""
    days = list(days)
    listed = [one.listed_at for one in days if one.listed_at is not None]
    verdicts = [one.verdict for one in days]
    return SpanAccount(
        account=sum((one.account for one in days if one.account is not NOTHING), NOTHING).checked(),
        days=len(days),
        complete=verdicts.count(Verdict.COMPLETE),
        incomplete=verdicts.count(Verdict.INCOMPLETE),
        unlisted=verdicts.count(Verdict.UNLISTED),
        final=sum(one.final for one in days),
        first_listed=min(listed, default=None),
        last_listed=max(listed, default=None),
    )


def utc_days(day: date, zone: str) -> tuple[date, ...]:
    """Return the UTC days that a local day overlaps, in order."""
    start, end = windows.local_span_ms(day, zone)
    first, last = windows.day_of(start), windows.day_of(end - 1)
    return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))


def final_from_ms(day: date, zone: str) -> int:
    """Return when a listing of this local day makes it final: Dialpad may add recordings to an old day until then."""
    return windows.day_start_ms(utc_days(day, zone)[-1]) + (1 + windows.SEALED_AFTER_DAYS) * windows.DAY_MS
