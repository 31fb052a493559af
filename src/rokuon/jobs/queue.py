"""Put jobs into the queue, inside the caller's Django transaction: the job exists if and only if the rows it concerns do.

Always through the app that holds Django's connection, also from inside a worker, whose own connection is outside the transaction.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from rokuon.domain.clocks import MOST_APART

WINDOW, DUE, PROBE, LOOK, HOOK, MAIL = "rokuon.window", "rokuon.due", "rokuon.probe", "rokuon.look", "rokuon.hook", "rokuon.mail"
LIVE, BULK = "live", "bulk"


def enqueue_window(window_id: int) -> None:
    """A window's job. Not more than one waits in the queue for a window; one may run while the next waits."""
    _defer(WINDOW, BULK, f"window:{window_id}", window_id=window_id)


def enqueue_due(company_id: int) -> None:
    """Try the company's due copies: retries, and what a lifted hold released."""
    _defer(DUE, BULK, f"due:{company_id}", company_id=company_id)


def enqueue_probe(company_id: int, hold_id: int) -> None:
    _defer(PROBE, LIVE, f"probe:{hold_id}", company_id=company_id, hold_id=hold_id)


def enqueue_look(company_id: int, at: datetime | None = None) -> None:
    """Look for the calls that events told of, now or at a later time. One look at a time for a company, so what comes meanwhile is
    looked for together.

    A burst asks for every event: where a look waits already, one query says so and nothing is written.
    """
    if at is not None:
        # A job that waits for its time keeps those of the same lock waiting that come after it and are not more urgent. So the sooner,
        # the more urgent; a look at once is the most urgent. To two seconds, for the column holds 31 bits.
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
    """Look after the company's webhook at Dialpad."""
    _defer(HOOK, LIVE, f"hook:{company_id}", company_id=company_id)


def enqueue_mail() -> None:
    """Send what the outbox holds; one sender at a time."""
    _defer(MAIL, LIVE, "mail", lock="mail")


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
    """Those ids for which no job waits or runs: their job was lost with its row, and the ledger asks for a new one."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT x FROM unnest(%s::bigint[]) x
                WHERE NOT EXISTS (SELECT 1 FROM procrastinate_jobs j
                                   WHERE j.task_name = %s AND j.status IN ('todo', 'doing') AND (j.args->>%s)::bigint = x)""",
            [list(ids), task, argument],
        )
        return [row[0] for row in cursor.fetchall()]


def live_workers(seconds: float) -> int:
    """Worker processes that gave a sign of life within so many seconds. Each runs two workers, live and bulk."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM procrastinate_workers
                WHERE last_heartbeat > now() - make_interval(secs => %s) AND last_heartbeat <= now() + make_interval(secs => %s)""",
            [seconds, MOST_APART.total_seconds()],
        )
        return int(cursor.fetchone()[0]) // 2


def last_sign_of_life() -> datetime | None:
    """When a worker last gave one, as far as is still known."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(last_heartbeat) FROM procrastinate_workers")
        at: datetime | None = cursor.fetchone()[0]
        return at
