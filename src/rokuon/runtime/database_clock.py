"""The database's clock, which all processes of an installation share: it decides what is due, whatever a machine's own clock says."""

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
    """Returns aware UTC times: the database's time at the last `look`, plus the seconds since then. So a machine's clock may be wrong or
    change meanwhile. Before the first look, or if none is possible, the machine's own clock is used."""

    def __init__(self, own: Callable[[], datetime] = lambda: datetime.now(UTC), monotonic: Callable[[], float] = time.monotonic) -> None:
        self._own, self._monotonic = own, monotonic
        self._looked: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        if self._looked is None:
            return self._own()
        there, then = self._looked
        return there + timedelta(seconds=self._monotonic() - then)

    def look(self) -> timedelta:
        """Read the database's clock; return how far this machine's clock is ahead of it, negative if it is behind."""
        before, began = self._own(), self._monotonic()
        there = database_now()
        ended = self._monotonic()
        half = timedelta(seconds=(ended - began) / 2)
        self._looked = (there, began + half.total_seconds())
        return before + half - there
