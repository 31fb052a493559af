"""How far two clocks may be apart. A time further in the future was noted by a clock that was ahead, and counts as none."""

from datetime import datetime, timedelta

MOST_APART = timedelta(minutes=5)
DAY_MS = 86_400_000


def is_future(noted: datetime, now: datetime) -> bool:
    """Whether no right clock can have noted this time."""
    return noted > now + MOST_APART
