"""What a clock that was ahead noted counts as none: each tick takes it back, or everybody would wait until that time has come.

A machine that starts with a wrong clock, and is put right minutes later, leaves such times behind. Here stands each that something waits
for, with how far ahead it may lie when all clocks are right. What is only shown stays, and `rokuon doctor` names it.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from rokuon.domain.clocks import MOST_APART
from rokuon.domain.retry import AFTER_ERROR_S, PAUSE_MAX_S, PROBE_S, RETRY_AFTER_MAX_S
from rokuon.ledger import transitions
from rokuon.ledger.models import Run
from rokuon.ledger.runs import OPEN
from rokuon.notify.outbox import BACKOFF

log = logging.getLogger(__name__)

NOTHING = timedelta(0)
LONGEST_WAIT = timedelta(seconds=AFTER_ERROR_S[-1] + RETRY_AFTER_MAX_S)
RESERVED = timedelta(minutes=10)
"""Send slots are reserved for seconds; so long takes the slowest budget with many processes."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A column that may lie `ahead` of now by so much. `instead` is SQL for what stands there else; "" removes the row. `clock` is whose
    time it is: the tick's, or the database's own where its statements ask for that."""

    table: str
    column: str
    ahead: timedelta = NOTHING
    instead: str = "%(now)s"
    clock: str = "%(now)s"


THERE = "clock_timestamp()"
NOTED = (
    # Days that were listed, and sealed, by a clock that was ahead are listed again.
    Noted("ledger_coverage", "listed_at", instead=""),
    Noted("ledger_run", "created_at"),
    Noted("ledger_window", "due_at", LONGEST_WAIT),
    Noted("ledger_hold", "probe_at", timedelta(seconds=PROBE_S[-1])),
    Noted("org_company", "synced_at", instead="NULL"),
    # Rather too many days are swept than too few: nobody knows when the rule was switched on.
    Noted("org_target", "backed_up_at", instead="(SELECT LEAST(c.created_at, %(now)s) FROM org_company c WHERE c.id = x.company_id)"),
    Noted("org_budget", "next_at", RESERVED, THERE, THERE),
    Noted("org_budget", "next_sweep_at", RESERVED, THERE, THERE),
    Noted("org_budget", "blocked_until", timedelta(seconds=PAUSE_MAX_S), THERE, THERE),
    Noted("org_budget", "throttled_at", NOTHING, THERE, THERE),
    Noted("org_budget", "lowered_at", NOTHING, THERE, THERE),
    Noted("events_hint", "due_at", timedelta(minutes=1)),
    Noted("events_hook", "checked_at", instead="NULL"),
    Noted("events_hook", "event_at", instead="NULL"),
    Noted("events_hook", "secret_at"),
    Noted("notify_notice", "opened_at"),
    Noted("notify_notice", "told_at"),
    Noted("notify_notice", "clear_since"),
    Noted("notify_mail", "due_at", max(BACKOFF)),
    Noted("accounts_throttle", "tried_at", instead=""),
    Noted("procrastinate_workers", "last_heartbeat", NOTHING, THERE, THERE),
    Noted("procrastinate_jobs", "scheduled_at", timedelta(minutes=1), "NULL", THERE),
)


def take_back(now: datetime) -> int:
    """How many times were taken back. `now` is the tick's. May run at once in every worker."""
    # What a sweep found stays; that it was made is forgotten, so the next one is due.
    swept = Run.objects.exclude(purpose=Run.Purpose.BACK_UP_NOW).exclude(state__in=OPEN)
    counts = {"sweeps": swept.filter(created_at__gt=now + MOST_APART).delete()[0]}
    counts["ledger_copy.due_at"] = transitions.due_by(now + LONGEST_WAIT + MOST_APART, now)
    with connection.cursor() as cursor:
        for noted in NOTED:
            cursor.execute(_statement(noted), {"now": now, "ahead": (noted.ahead + MOST_APART).total_seconds()})
            counts[f"{noted.table}.{noted.column}"] = cursor.rowcount
    found = {name: count for name, count in counts.items() if count}
    if found:
        log.warning("future_times_taken_back", extra=found)
    return sum(found.values())


def _statement(noted: Noted) -> str:
    where = f"x.{noted.column} > {noted.clock}::timestamptz + make_interval(secs => %(ahead)s)"
    if not noted.instead:
        return f"DELETE FROM {noted.table} x WHERE {where}"  # noqa: S608 (constant pieces)
    return f"UPDATE {noted.table} x SET {noted.column} = {noted.instead} WHERE {where}"  # noqa: S608 (constant pieces)
