"""Put jobs into the queue, in the caller's Django transaction: a job exists if and only if its rows do.

This always uses the app with Django's connection, also inside a worker, whose own connection is outside the transaction.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from rokuon.domain.clocks import MOST_APART

WINDOW, DUE, PROBE, LOOK, HOOK, MAIL = "rokuon.window", "rokuon.due", "rokuon.probe", "rokuon.look", "rokuon.hook", "rokuon.mail"
SIGN_IN_MAIL, CUSTODY, INVENTORY = "rokuon.sign_in_mail", "rokuon.custody", "rokuon.inventory"
LIVE, BULK = "live", "bulk"


def enqueue_window(window_id: int) -> None:
    """Queue a window's job. At most one waits in the queue for a window; one may run while the next waits."""
    _defer(WINDOW, BULK, f"window:{window_id}", window_id=window_id)


def enqueue_due(company_id: int) -> None:
    """Queue a job that tries the company's due copies: retries, and copies that a lifted hold released."""
    _defer(DUE, BULK, f"due:{company_id}", company_id=company_id)


def enqueue_probe(company_id: int, hold_id: int) -> None:
    _defer(PROBE, LIVE, f"probe:{hold_id}", company_id=company_id, hold_id=hold_id)


def enqueue_look(company_id: int, at: datetime | None = None) -> None:
    """Queue a lookup of the calls of events, now or at a later time. One lookup at a time runs for a company, so calls whose events arrive
    in the meantime are looked up together.

    A burst calls this for every event: if a lookup waits already, this costs one query and writes nothing.
    """
    if at is not None:
        # A scheduled job blocks later jobs with the same lock unless they have a higher priority. So an earlier time gets a higher
        # priority, and a lookup at once the highest. The resolution is two seconds, because the column has 31 bits.
        moment = int(at.timestamp() // 2)
        _defer(LOOK, LIVE, f"look-again:{company_id}:{moment}", lock=f"look:{company_id}", at=at, priority=-moment, company_id=company_id)
        return
    name = f"look:{company_id}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE status = 'todo' AND queueing_lock = %s)", [name])
        if cursor.fetchone()[0]:
            return
    _defer(LOOK, LIVE, name, lock=name, company_id=company_id)


def enqueue_hook(company_id: int) -> None:
    """Queue a job that maintains the company's webhook at Dialpad."""
    _defer(HOOK, LIVE, f"hook:{company_id}", company_id=company_id)


def enqueue_mail() -> None:
    """Queue the sending of the mails in the outbox; one sender runs at a time."""
    _defer(MAIL, LIVE, "mail", lock="mail")


def enqueue_sign_in_mail() -> None:
    """Queue the sending of requested sign-in links, beside other mails: a person waits for it."""
    _defer(SIGN_IN_MAIL, LIVE, "sign_in_mail", lock="sign_in_mail")


def enqueue_custody(bucket_id: int) -> None:
    """Queue an issue of a bucket's custody files. It takes its turn among the windows: with a lower priority, a backfill would leave weeks
    without a seal."""
    _defer(CUSTODY, BULK, f"custody:{bucket_id}", lock=f"custody:{bucket_id}", bucket_id=bucket_id)


def enqueue_inventory(bucket_id: int) -> None:
    """Queue a bucket's inventory, behind windows, sweeps and seals: it can wait, and it asks only the store."""
    _defer(INVENTORY, BULK, f"inventory:{bucket_id}", lock=f"inventory:{bucket_id}", priority=-10, bucket_id=bucket_id)


def bulk_jobs_wait() -> bool:
    """Whether bulk work waits in the queue for a worker."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = %s)", [BULK])
        return bool(cursor.fetchone()[0])


def _defer(
    task: str, queue: str, queueing_lock: str, *, lock: str | None = None, at: datetime | None = None, priority: int = 0, **arguments: int
) -> None:
    try:
        with transaction.atomic():  # the refusal of a second one must not spoil the caller's transaction
            app.configure_task(
                task, allow_unknown=True, queue=queue, lock=lock, queueing_lock=queueing_lock, schedule_at=at, priority=priority
            ).defer(**arguments)
    except AlreadyEnqueued:
        return


def without_job(task: str, argument: str, ids: Iterable[int]) -> list[int]:
    """Return the ids for which no job waits or runs: their job's row was lost, and the ledger requires a new job."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT x FROM unnest(%s::bigint[]) x
                WHERE NOT EXISTS (SELECT 1 FROM procrastinate_jobs j
                                   WHERE j.task_name = %s AND j.status IN ('todo', 'doing') AND (j.args->>%s)::bigint = x)""",
            [list(ids), task, argument],
        )
        return [row[0] for row in cursor.fetchall()]


def live_workers(seconds: float) -> int:
    """Count the worker processes with a heartbeat within `seconds`. Each runs two workers, live and bulk."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM procrastinate_workers
                WHERE last_heartbeat > now() - make_interval(secs => %s) AND last_heartbeat <= now() + make_interval(secs => %s)""",
            [seconds, MOST_APART.total_seconds()],
        )
        return int(cursor.fetchone()[0]) // 2


def last_sign_of_life() -> datetime | None:
    """Return the time of the last heartbeat of any worker, or None if unknown."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(last_heartbeat) FROM procrastinate_workers")
        at: datetime | None = cursor.fetchone()[0]
        return at
