"""Tolerated difference between two clocks. A time further in the future came from a wrong clock, and counts as no time."""

from datetime import datetime, timedelta

MOST_APART = timedelta(minutes=5)
DAY_MS = 86_400_000


def is_future(noted: datetime, now: datetime) -> bool:
    """Whether no correct clock can have written this time."""
    return noted > now + MOST_APART
