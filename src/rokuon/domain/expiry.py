"""The access window: how long after its call a recording can be fetched, and what goes first where not all of it may be in time (M8).

The window is what a contract says, and Dialpad does not tell it: what is past by our clock is tried all the same, last. Times are epoch
milliseconds UTC. `past_ms` is the start of the latest call whose recording has left the window: later ones can still be fetched.
"""

from collections.abc import Collection
from datetime import date, timedelta

from .windows import DAY_MS, day_of

_DOUBLINGS = 6
"""Until a window is as long as one may be at most (`windows.WINDOW_DAYS`)."""


def past_ms(now_ms: int, window_days: int) -> int:
    """What started at or before this has left the window."""
    return now_ms - window_days * DAY_MS


LAST_TRIES_MS = 2 * DAY_MS
"""What leaves within this time may be gone before the tries for it are over."""


def is_leaving(started_ms: int, past_ms: int) -> bool:
    """Whether a recording soon leaves the window or has left it: what is fetched of it now may be the last that can be had."""
    return started_ms <= past_ms + LAST_TRIES_MS


def turn(first_ms: int, last_ms: int, past_ms: int) -> tuple[int, int]:
    """The smallest goes first, among calls that started in [first_ms, last_ms] (one call: both the same).

    First what can still be fetched, whose first deadline is the nearest; then what is past, the newest first: should the window be
    longer than the contract says, that is the most that can be had.
    """
    if last_ms > past_ms:
        return 0, max(first_ms, past_ms) - past_ms
    return 1, past_ms - last_ms


def cuts(past_ms: int) -> Collection[date]:
    """UTC days with whose beginning a listing window ends, so that none is longer than its oldest recording has left, a day more or less.

    A listing begins with the newest call: what is about to leave is reached soon only where the stretch above it is short.
    """
    first = day_of(past_ms)
    return {first, *(first + timedelta(days=1 << number) for number in range(_DOUBLINGS))}
