"""Update the notices of every company and of the installation, once a minute."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError

from rokuon.custody import overview
from rokuon.domain.ports import Jobs
from rokuon.notify import findings, tracker, weekly
from rokuon.notify.findings import UnsealedBucket
from rokuon.notify.message import MailedSeal
from rokuon.org.models import Company

log = logging.getLogger(__name__)


def watch(now: datetime, jobs: Jobs) -> None:
    """Update all notices. A worker calls this, so at least one worker is alive."""
    of_installation(1, now, jobs.enqueue_mail)
    for company in Company.objects.order_by("pk"):
        try:
            tracker.watch(company, findings.of_company(company, now, _unsealed(company, now)), now, jobs.enqueue_mail)
            weekly.queue_weekly_mail(company, now, jobs.enqueue_mail, partial(newest_seals, company))
        except (DatabaseError, LookupError, ObjectDoesNotExist, TypeError, ValueError):
            # A fault of one company must not delay the notices of others; the next minute tries again.
            log.exception("notices_not_looked_at", extra={"company": company.pk})


def _unsealed(company: Company, now: datetime) -> list[UnsealedBucket]:
    late = overview.lasting(company.pk, now)
    return [UnsealedBucket(one.bucket_id, one.url, one.reason, one.next_by if one.is_overdue(now) and one.next_by else now) for one in late]


def newest_seals(company: Company) -> list[MailedSeal]:
    """Return the newest seal of each bucket that has recordings."""
    return [
        MailedSeal(one.url, one.number, one.sha256, one.at.isoformat() if one.at else "")
        for one in overview.of_company(company.pk)
        if one.number or one.stored
    ]


def of_installation(live_workers: int, now: datetime, enqueue_mail: Callable[[], None]) -> None:
    """Update the notices of the installation. `live_workers` is the number of workers with a recent heartbeat: 0 opens a notice, and any
    other number closes it."""
    tracker.watch(None, findings.of_installation(live_workers, now), now, enqueue_mail)
