"""Tick, once a minute: queue the jobs that are due by the ledger. No schedule exists only in the queue, so a lost job loses nothing."""

import logging
from datetime import datetime

from django.db import DatabaseError, transaction

from rokuon.accounts import drafts, handed_out, mail_links, sessions, sign_ins, throttle
from rokuon.base.addresses import PublicUrl
from rokuon.custody import changes
from rokuon.custody import schedule as custody
from rokuon.events import inbox
from rokuon.jobs import future, queue
from rokuon.jobs.queue import (
    CUSTODY,
    DUE,
    INVENTORY,
    LOOK,
    WINDOW,
    enqueue_custody,
    enqueue_due,
    enqueue_hook,
    enqueue_inventory,
    enqueue_look,
    enqueue_probe,
    enqueue_window,
    without_job,
)
from rokuon.ledger import failures, holds, inventory_schedule, read, runs, tally
from rokuon.notify import outbox, tracker
from rokuon.wiring import notices, other_party, sweeps, webhook_upkeep

log = logging.getLogger(__name__)


def tick(now: datetime, public: PublicUrl | None = None, *, asks: bool = True) -> None:
    """Run one tick. `public` is the URL at which Dialpad's events can reach this installation; without it no webhook is maintained. Without
    `asks` no jobs are queued, but problems are still notified.

    May run at the same time in every worker: each step is a conditional update or refused as already queued.
    """
    try:
        future.take_back(now)
        if asks:
            _ask(now, public)
    finally:
        # If queueing fails, people must still be notified of problems.
        notices.watch(now, queue)
        if outbox.waits(now):
            with transaction.atomic():
                queue.enqueue_mail()
        if mail_links.waits(now):
            with transaction.atomic():
                queue.enqueue_sign_in_mail()
    _forget(now)


def _ask(now: datetime, public: PublicUrl | None) -> None:
    """Queue jobs for all due work that has no job."""
    sweeps.start_due(now, queue)
    for company_id in read.companies_with_open_runs():
        runs.queue_windows(company_id, now, enqueue_window)
        # A rule that is switched off, or the cancellation of another run, can remove a run's last copies: then no job is left to end it.
        runs.end_done(company_id, now)
    with transaction.atomic():
        for window_id in without_job(WINDOW, "window_id", read.queued_windows()):
            enqueue_window(window_id)
    with transaction.atomic():
        for company_id in without_job(DUE, "company_id", read.companies_with_due_copies(now)):
            enqueue_due(company_id)
    with transaction.atomic():
        for company_id in without_job(LOOK, "company_id", inbox.companies_with_due(now)):
            enqueue_look(company_id)
    with transaction.atomic():
        for company_id, hold_id in holds.due_probes(now):
            enqueue_probe(company_id, hold_id)
    with transaction.atomic():
        for company_id in webhook_upkeep.companies_due(public, now) if public else ():
            enqueue_hook(company_id)
    tally.fold()
    _ask_for_seals(now)
    with transaction.atomic():
        for bucket_id in without_job(INVENTORY, "bucket_id", inventory_schedule.due_buckets(now)):
            enqueue_inventory(bucket_id)


def _ask_for_seals(now: datetime) -> None:
    """Queue the issues of custody files that are due. A fault here must not stop what the tick does for recordings."""
    try:
        changes.keep_short()
        with transaction.atomic():
            for bucket_id in without_job(CUSTODY, "bucket_id", custody.due_buckets(now)):
                enqueue_custody(bucket_id)
    except DatabaseError:
        log.exception("custody_not_queued")


def _forget(now: datetime) -> None:
    """Delete old data: hints, retries, notices and mails, ended sessions, failed sign-in attempts, requested links, sign-ins, plays and
    drafts; and what is kept of other parties beyond the companies' choices."""
    inbox.forget_old(now)
    failures.forget_old(now)
    tracker.forget_old(now)
    sessions.prune()
    throttle.prune(now)
    mail_links.prune(now)
    sign_ins.prune(now)
    handed_out.prune(now)
    drafts.prune(now)
    other_party.clear_what_exceeds(now)
