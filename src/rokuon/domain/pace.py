"""Requests per second, and how long work takes at that rate: one rule for the estimate before a run and for the rest of a run."""

from dataclasses import dataclass

SPACING = 1.03
"""Factor by which send slots are further apart than the limit requires, so that network jitter never exceeds it (`dialpad.pacing`)."""


@dataclass(frozen=True, slots=True)
class CurrentBudget:
    """The current budget: the requests allowed per second, and the requests charged for each recording."""

    requests_per_second: float
    per_recording: int


@dataclass(frozen=True, slots=True)
class Listed:
    """Progress of a listing, in seconds of call time (not of work): `seconds` are listed, and `to_list` are left in `windows` windows. In
    the listed part, `pages` pages were read and `found` recordings were found that were not known before."""

    seconds: float
    to_list: float
    windows: int
    pages: int
    found: int

    @property
    def share(self) -> float:
        """The listed share of the whole range; 1 if nothing is left to list."""
        return self.seconds / (self.seconds + self.to_list) if self.to_list > 0 else 1.0

    def ahead(self, known: float) -> float:
        """Extrapolate `known`, a count in the listed part, to the part still to list, with the same density."""
        return known * self.to_list / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Left:
    """Remaining time in seconds. `least`: for the known work. `seconds`: with the work that the listing will probably find; None while too
    little is listed. `more`: the total will be longer, because the listing continues or because a part waits."""

    least: float
    seconds: float | None
    more: bool


LISTED_ENOUGH = 0.1
"""If a smaller share of the range is listed, its density does not predict the rest. From this share on, the time is right within a factor
of two (tests/unit/test_pace.py)."""


def seconds_for(pages: float, recordings: float, budget: CurrentBudget, measured: float = 0.0) -> float:
    """Return the duration in seconds: the longer of the time by budget and the time by `measured`, the recent recordings per second (0:
    not measured)."""
    by_budget = (pages + recordings * budget.per_recording) / budget.requests_per_second
    return max(by_budget, recordings / measured) if measured > 0 else by_budget


def left(listed: Listed, to_copy: int, waiting: int, budget: CurrentBudget, measured: float) -> Left | None:
    """Return the remaining time. `to_copy` recordings can be copied now; `waiting` more wait for a hold or a later try. None if only
    waiting ones are left."""
    if to_copy <= 0 and listed.to_list <= 0:
        return None
    least = seconds_for(listed.windows, to_copy, budget, measured if to_copy else 0.0)
    if listed.to_list <= 0:
        return Left(least, least, more=waiting > 0)
    if listed.share < LISTED_ENOUGH:
        return Left(least, None, more=True)
    pages, recordings = max(listed.windows, listed.ahead(listed.pages)), to_copy + listed.ahead(listed.found)
    return Left(least, max(least, seconds_for(pages, recordings, budget, measured)), more=True)
