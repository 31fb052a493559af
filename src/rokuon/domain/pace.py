"""How long work takes at a company's request budget: one rule for the plan before a run, and for what is left of one."""

from dataclasses import dataclass

SPACING = 1.03
"""Send slots lie this much further apart than the limit asks for, so that jitter on the way breaks no window (`dialpad.pacing`)."""


@dataclass(frozen=True, slots=True)
class CurrentBudget:
    """What counts now: how many requests a second may be sent, and how many each recording is charged."""

    requests_per_second: float
    per_recording: int


@dataclass(frozen=True, slots=True)
class Listed:
    """How far a listing has come, in seconds of calls (not of work): so many are listed and so many still are to be, in `windows` windows.
    In those listed, `pages` pages were read and `found` recordings found that were not known before."""

    seconds: float
    to_list: float
    windows: int
    pages: int
    found: int

    @property
    def share(self) -> float:
        """What is listed, of all that is to be; 1 where nothing is."""
        return self.seconds / (self.seconds + self.to_list) if self.to_list > 0 else 1.0

    def ahead(self, known: float) -> float:
        """What is still to come of something of which `known` came with what is listed: as dense as before."""
        return known * self.to_list / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Left:
    """Seconds. `least`: for what is known to be to do. `seconds`: with what the listing will likely bring; None while too little is
    listed to say. `more`: something comes on top, because the listing goes on or because a part waits for longer."""

    least: float
    seconds: float | None
    more: bool


LISTED_ENOUGH = 0.02
"""Below this share of the range, its density says nothing of the rest."""


def seconds_for(pages: float, recordings: float, budget: CurrentBudget, measured: float = 0.0) -> float:
    """`measured` recordings a second were seen of late, 0 for none. Whichever is slower counts: the budget, or the recordings."""
    by_budget = (pages + recordings * budget.per_recording) / budget.requests_per_second
    return max(by_budget, recordings / measured) if measured > 0 else by_budget


def left(listed: Listed, to_copy: int, waiting: int, budget: CurrentBudget, measured: float) -> Left | None:
    """`to_copy` recordings are to be copied now, `waiting` more wait for a hold or a later try. None where only such are left."""
    if to_copy <= 0 and listed.to_list <= 0:
        return None
    least = seconds_for(listed.windows, to_copy, budget, measured if to_copy else 0.0)
    if listed.to_list <= 0:
        return Left(least, least, more=waiting > 0)
    if listed.share < LISTED_ENOUGH:
        return Left(least, None, more=True)
    pages, recordings = max(listed.windows, listed.ahead(listed.pages)), to_copy + listed.ahead(listed.found)
    return Left(least, max(least, seconds_for(pages, recordings, budget, measured)), more=True)
