"""Correct times that a wrong clock wrote too far in the future: each tick resets them, or the work would wait until that time.

A machine that starts with a wrong clock, and is corrected minutes later, leaves such times behind. This module lists each column that
something waits for, and how far ahead it may be when all clocks are right. Times that are only displayed stay; `rokuon doctor` names them.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from rokuon.custody import schedule
from rokuon.domain.clocks import MOST_APART
from rokuon.domain.retry import AFTER_ERROR_S, PAUSE_MAX_S, PROBE_S, RETRY_AFTER_MAX_S
from rokuon.ledger import inventory_schedule, transitions
from rokuon.ledger.models import Run
from rokuon.ledger.runs import OPEN
from rokuon.notify.outbox import BACKOFF

log = logging.getLogger(__name__)

NOTHING = timedelta(0)
LONGEST_WAIT = timedelta(seconds=AFTER_ERROR_S[-1] + RETRY_AFTER_MAX_S)
RESERVED = timedelta(minutes=10)
"""Send slots are reserved for seconds; this is the longest time, for the slowest budget with many processes."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A column that may be at most `ahead` of now. `instead` is the SQL value that replaces a later time; "" removes the row. `clock` is
    the reference: the tick's time, or the database's own if its statements use that."""

    table: str
    column: str
    ahead: timedelta = NOTHING
    instead: str = "%(now)s"
    clock: str = "%(now)s"


THERE = "clock_timestamp()"
NOTED = (
    # Days that were listed, and sealed, with a clock that was ahead are listed again.
    Noted("ledger_coverage", "listed_at", instead=""),
    Noted("ledger_outsideday", "listed_at"),
    Noted("ledger_outsideday", "published_at"),
    Noted("ledger_run", "created_at"),
    Noted("ledger_window", "due_at", LONGEST_WAIT),
    Noted("ledger_hold", "probe_at", timedelta(seconds=PROBE_S[-1])),
    Noted("org_company", "synced_at", instead="NULL"),
    # It is unknown when the rule was switched on: it is better to sweep too many days than too few.
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
    Noted("custody_schedule", "due_at", schedule.EVERY),
    Noted("ledger_inventoryschedule", "due_at", inventory_schedule.WEEKLY),
    Noted("procrastinate_workers", "last_heartbeat", NOTHING, THERE, THERE),
    Noted("procrastinate_jobs", "scheduled_at", timedelta(minutes=1), "NULL", THERE),
)


def take_back(now: datetime) -> int:
    """Reset future times and return their number. `now` is the tick's time. May run at the same time in every worker."""
    # The results of a sweep stay; only its run is deleted, so that the next sweep is due.
    swept = Run.objects.exclude(purpose=Run.Purpose.BACK_UP_NOW).exclude(state__in=OPEN)
    counts = {"sweeps": swept.filter(created_at__gt=now + MOST_APART).delete()[0]}
    counts["ledger_copy.due_at"] = transitions.reset_due_times(now + LONGEST_WAIT + MOST_APART, now)
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
