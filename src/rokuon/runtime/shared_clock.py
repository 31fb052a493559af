"""The database's clock for a process that answers requests in many threads: read from time to time, without waiting."""

import threading
import time
from datetime import datetime

from django.db import DatabaseError, connection

from .database_clock import DatabaseClock

LOOK_EVERY_S = 60.0


class SharedClock:
    """Gives requests and workers the same clock, because their times are compared. While the database is away, the last look stays in use;
    before the first, the machine's own clock."""

    def __init__(self, clock: DatabaseClock | None = None) -> None:
        self._clock = clock or DatabaseClock()
        self._looking = threading.Lock()
        self._due = 0.0

    def __call__(self) -> datetime:
        if time.monotonic() >= self._due and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looking.release()
        return self._clock()

    def _look(self) -> None:
        if connection.in_atomic_block and connection.needs_rollback:
            return
        self._due = time.monotonic() + LOOK_EVERY_S
        try:
            self._clock.look()
        except DatabaseError:
            return  # the statement that needs the database reports that it is away


shared_now = SharedClock()
