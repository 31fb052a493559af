"""The database's clock, which every process of an installation shares: what is due is due by it, whatever a machine's own clock says."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import connection


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now


class DatabaseClock:
    """Answers aware UTC times: the database's at the last `look`, and the seconds that have gone by since. So a machine's clock may be
    wrong or be set meanwhile. Before the first look, and where none is possible, the machine's own clock serves."""

    def __init__(self, own: Callable[[], datetime] = lambda: datetime.now(UTC), monotonic: Callable[[], float] = time.monotonic) -> None:
        self._own, self._monotonic = own, monotonic
        self._looked: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        if self._looked is None:
            return self._own()
        there, then = self._looked
        return there + timedelta(seconds=self._monotonic() - then)

    def look(self) -> timedelta:
        """Ask the database; how far this machine's clock is ahead of it, negative where it is behind."""
        before, began = self._own(), self._monotonic()
        there = database_now()
        ended = self._monotonic()
        half = timedelta(seconds=(ended - began) / 2)
        self._looked = (there, began + half.total_seconds())
        return before + half - there
