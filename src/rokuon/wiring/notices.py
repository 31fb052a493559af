"""Once a minute: what is wrong, and who has to hear of it, for every company."""

import logging
from collections.abc import Callable
from datetime import datetime

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError

from rokuon.domain.ports import Jobs
from rokuon.notify import findings, tracker, weekly
from rokuon.org.models import Company

log = logging.getLogger(__name__)


def watch(now: datetime, jobs: Jobs) -> None:
    """Called by a worker: so work is being done, whatever was said before."""
    of_installation(1, now, jobs.enqueue_mail)
    for company in Company.objects.order_by("pk"):
        try:
            tracker.watch(company, findings.of_company(company, now), now, jobs.enqueue_mail)
            weekly.tell(company, now, jobs.enqueue_mail)
        except (DatabaseError, LookupError, ObjectDoesNotExist, TypeError, ValueError):
            # Nobody else's notices wait for one company's oddity; the next minute tries again.
            log.exception("notices_not_looked_at", extra={"company": company.pk})


def of_installation(live_workers: int, now: datetime, enqueue_mail: Callable[[], None]) -> None:
    """So many workers gave a sign of life of late: told where there is none, and closed where there is one again."""
    tracker.watch(None, findings.of_installation(live_workers, now), now, enqueue_mail)
