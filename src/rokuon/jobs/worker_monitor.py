"""Monitor thread in each web process: sends a notice when no worker has sent a heartbeat for 10 minutes, which no worker could do itself.

Any number of monitors may run: the notice is one row, and a mail is claimed before it is sent.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import DatabaseError, InterfaceError, connection

from rokuon.jobs import queue
from rokuon.notify import outbox, recipients
from rokuon.notify.recipients import Address
from rokuon.org.models import Company
from rokuon.wiring import notices
from rokuon.wiring.job_handlers import utc_now

log = logging.getLogger(__name__)

LOOK_EVERY_S = 60.0
SILENT_AFTER_S = 600.0
ALIVE_WITHIN_S = 60.0


class WorkerMonitor:
    """Checks for live workers, and after `silent_after` seconds without one notifies the operators, sending the mails itself.

    Only seconds in which the monitor ran count: a server that has just started, a machine that slept and an unavailable database are no
    sign of missing workers. `clock` returns aware UTC times, `monotonic` seconds.
    """

    def __init__(
        self,
        origin: str,
        *,
        silent_after: float = SILENT_AFTER_S,
        clock: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._origin, self._silent_after = origin, silent_after
        self._clock, self._monotonic = clock, monotonic
        self._seen: float | None = None

    def look(self) -> None:
        """Check once. Database errors are logged, and the next check tries again."""
        try:
            if queue.live_workers(ALIVE_WITHIN_S) or self._seen is None:
                self._seen = self._monotonic()
            elif self._monotonic() - self._seen >= self._silent_after:
                notices.of_installation(0, self._clock(), queue.enqueue_mail)
                outbox.send_due(outbox.directly, self._clock, self._origin, self._admins)
        except (DatabaseError, InterfaceError) as error:
            self._seen = self._monotonic()
            log.warning("worker_monitor_sees_nothing", extra={"error": type(error).__name__})
        finally:
            connection.close()

    def _admins(self, company_id: int) -> Sequence[Address]:
        return recipients.of_company(Company.objects.get(pk=company_id), self._clock())

    def start(self) -> None:
        """Start the thread. It checks once a minute, or more often for a small `silent_after`, until the process ends."""
        threading.Thread(target=self._watch, name="worker-monitor", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(min(LOOK_EVERY_S, self._silent_after / 10))
            try:
                self.look()
            except Exception:
                log.exception("worker_monitor_failed")
