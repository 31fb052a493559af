"""Access window: the period after its call in which a recording can be fetched, and the order of fetching when time is short (M8).

The window is part of the contract, and Dialpad's API does not report it: recordings that have left it by our clock are still tried, last.
Times are epoch milliseconds UTC. `past_ms` is the start of the latest call whose recording has left the window: later ones can still be
fetched.
"""

from collections.abc import Collection
from datetime import date, timedelta

from .windows import DAY_MS, day_of

_DOUBLINGS = 6
"""Doublings of the window's length until it reaches the maximum (`windows.WINDOW_DAYS`)."""


def past_ms(now_ms: int, window_days: int) -> int:
    """Return the time at or before which calls have left the window."""
    return now_ms - window_days * DAY_MS


LAST_TRIES_MS = 2 * DAY_MS
"""A recording that leaves the window within this time may be gone before its tries are over."""


def is_leaving(started_ms: int, past_ms: int) -> bool:
    """Whether a recording has left the window or soon does: this may be the last chance to fetch it."""
    return started_ms <= past_ms + LAST_TRIES_MS


def turn(first_ms: int, last_ms: int, past_ms: int) -> tuple[int, int]:
    """Return the sort key of calls that started in [first_ms, last_ms] (one call: both the same); the smallest key goes first.

    First come the calls that can still be fetched, the nearest deadline first; then those that have left the window, the newest first: if
    the real window is longer than the contract says, this order saves the most.
    """
    if last_ms > past_ms:
        return 0, max(first_ms, past_ms) - past_ms
    return 1, past_ms - last_ms


def cuts(past_ms: int) -> Collection[date]:
    """Return UTC days at whose start a listing window ends, so that no window is longer than the time left for its oldest recording, give
    or take a day.

    A listing starts with the newest call, so it reaches recordings that are about to leave in time only if the window is short.
    """
    first = day_of(past_ms)
    return {first, *(first + timedelta(days=1 << number) for number in range(_DOUBLINGS))}
