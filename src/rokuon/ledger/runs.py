"""Runs and their windows: start or join, queue windows and put them back, pause, resume, end.

Every update of a window names the state that it saw, so two workers on one window cannot both end it. `enqueue` is called inside the
transaction of its rows: a window is queued if and only if its job is.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction

from rokuon.domain.copies import Cause, State

from . import reach, read, transitions
from .exclude import RUN_CANCELLED
from .expiry import past_of
from .models import Run, Window
from .sql import BY_INVENTORY, CLOSED, STOPPED_BY_HOLD, TURN_OF_WINDOW, execute, fetch

Enqueue = Callable[[int], None]

QUEUED_PER_COMPANY = 4
"""Most windows of one company in the queue: enough to keep a worker busy, few enough that no company starves another."""

LISTING_ATTEMPTS = 6

OPEN = (Run.State.RUNNING, Run.State.PAUSED)
"""States of a run that has not ended: its scope allows no second run."""


@dataclass(frozen=True, slots=True)
class WindowPlan:
    scope_kind: str
    scope_id: str
    targets: tuple[int, ...]
    after: datetime
    before: datetime


@transaction.atomic
def open_run(
    company_id: int,
    scope_kind: str,
    scope_id: int,
    targets: Sequence[int],
    since: datetime,
    until: datetime,
    now: datetime,
    *,
    relist: bool,
    purpose: str = Run.Purpose.BACK_UP_NOW,
) -> tuple[Run, bool]:
    """Start a run, or join the one that runs or is paused for this scope. The second value is whether it was started."""
    made = fetch(
        """INSERT INTO ledger_run (company_id, purpose, scope_kind, scope_id, targets, since, until, relist, state, created_at, known)
           VALUES (%s, %s, %s, %s, %s::jsonb, %s, %s, %s, 'running', %s, '{}')
               ON CONFLICT (company_id, scope_kind, scope_id, purpose) WHERE state IN ('running', 'paused') DO NOTHING RETURNING id""",
        [company_id, purpose, scope_kind, scope_id, json.dumps(list(targets)), since, until, relist, now],
    )
    if made:
        run = Run.objects.get(pk=made[0][0])
        run.known = {str(target): counts.discovered for target, counts in read.counts_by_target(company_id, targets, since, until).items()}
        run.save(update_fields=["known"])
        if purpose == Run.Purpose.BACK_UP_NOW:
            reach.extend(targets, since)
        return run, True
    return Run.objects.get(company_id=company_id, purpose=purpose, scope_kind=scope_kind, scope_id=scope_id, state__in=OPEN), False


def wake(run_id: int, now: datetime) -> None:
    """Make windows that wait for a later try due now, because a person asked again."""
    _lock_runs(Run.objects.values_list("company_id", flat=True).get(pk=run_id))
    Window.objects.filter(run_id=run_id, state=Window.State.WAITING, due_at__gt=now).update(due_at=now)


def add_windows(run: Run, plans: Sequence[WindowPlan], now: datetime) -> None:
    Window.objects.bulk_create(
        [
            Window(
                run=run,
                scope_kind=plan.scope_kind,
                scope_id=plan.scope_id,
                targets=list(plan.targets),
                after=plan.after,
                before=plan.before,
                listed_down_to=plan.before,
                due_at=now,
            )
            for plan in plans
        ]
    )


@transaction.atomic
def queue_windows(company_id: int, now: datetime, enqueue: Enqueue) -> list[int]:
    """Fill up the company's queued windows; none while its source is held. Return the ids that were queued now.

    Sweeps have places of their own: a window of a backfill keeps its place as long as it has days left, and the newest calls must not
    wait for that.
    """
    _lock_runs(company_id)
    queued = [*_queue(company_id, now, sweeps=True), *_queue(company_id, now, sweeps=False)]
    for window_id in queued:
        enqueue(window_id)
    return queued


def _queue(company_id: int, now: datetime, *, sweeps: bool) -> list[int]:
    """Return the ids in the order of processing: run by run, the newest calls first; or by deadline."""
    past = None if sweeps else past_of(company_id, now)
    order = "x.run_id, x.before DESC" if past is None else f"{TURN_OF_WINDOW}, x.run_id, x.id"
    chosen = fetch(
        f"""SELECT x.id FROM ledger_window x JOIN ledger_run r ON r.id = x.run_id
             WHERE r.company_id = %(company)s AND r.state = 'running' AND x.state = 'waiting' AND x.due_at <= %(now)s
               AND (r.purpose <> 'backup_now') = %(sweeps)s
               AND NOT EXISTS (SELECT 1 FROM ledger_hold h
                                WHERE h.company_id = %(company)s AND h.on = 'source' AND h.lifted_at IS NULL)
             ORDER BY {order}
             LIMIT GREATEST(0, %(most)s - (SELECT count(*) FROM ledger_window q JOIN ledger_run r ON r.id = q.run_id
                                            WHERE r.company_id = %(company)s AND q.state = 'queued'
                                              AND (r.purpose <> 'backup_now') = %(sweeps)s))""",  # noqa: S608 (constant pieces)
        {"company": company_id, "now": now, "most": QUEUED_PER_COMPANY, "sweeps": sweeps, "past": past},
    )
    ids = [row[0] for row in chosen]
    still = {
        row[0] for row in fetch("UPDATE ledger_window SET state = 'queued' WHERE id = ANY(%s) AND state = 'waiting' RETURNING id", [ids])
    }
    return [window_id for window_id in ids if window_id in still]


def _lock_runs(company_id: int) -> None:
    """Lock the company's open runs. Code that changes both locks the runs first and then their windows, so that no deadlock occurs."""
    fetch("SELECT id FROM ledger_run WHERE company_id = %s AND state IN ('running', 'paused') ORDER BY id FOR NO KEY UPDATE", [company_id])


def _company_of(window_id: int) -> int:
    ((company_id,),) = fetch("SELECT r.company_id FROM ledger_window w JOIN ledger_run r ON r.id = w.run_id WHERE w.id = %s", [window_id])
    found: int = company_id
    return found


def advance(window_id: int, listed_down_to: datetime, pages: int, calls: int) -> bool:
    """Move the resume mark down, never up; progress resets the count of failures.

    Return False if the window is no longer processed (done, or its run was paused or cancelled).
    """
    return bool(
        execute(
            """UPDATE ledger_window w
                  SET listed_down_to = LEAST(w.listed_down_to, GREATEST(w.after, x.mark)), pages = w.pages + %s, calls = w.calls + %s,
                      attempt = CASE WHEN x.mark < w.listed_down_to THEN 0 ELSE w.attempt END
                 FROM ledger_run r, (SELECT %s::timestamptz AS mark) x
                WHERE w.id = %s AND w.state = 'queued' AND r.id = w.run_id AND r.state = 'running'""",
            [pages, calls, listed_down_to, window_id],
        )
    )


@transaction.atomic
def begin_listing(window_id: int, how: Mapping[str, str]) -> None:
    """Enter that a job lists the window now, and `how`, by target. Only what all jobs of the window have in common stays
    (`Window.listed_as`)."""
    window = Window.objects.select_for_update().get(pk=window_id)
    before = window.listed_as
    window.listed_as = dict(how) if before is None else {target: one for target, one in before.items() if how.get(target) == one}
    if window.listed_as != before:
        window.save(update_fields=["listed_as"])


def no_longer_listed_as(company_id: int, key: str, unless_as: str) -> None:
    """Take `key` from the ways in which the company's open windows were listed so far (`Window.listed_as`), except where they have the key
    `unless_as` as well."""
    execute(
        """UPDATE ledger_window SET listed_as = listed_as - %(key)s::text
            WHERE id IN (SELECT w.id FROM ledger_window w JOIN ledger_run r ON r.id = w.run_id
                          WHERE r.company_id = %(company)s AND w.state IN ('waiting', 'queued', 'paused')
                            AND w.listed_as ? %(key)s::text AND NOT w.listed_as ? %(unless)s::text
                          ORDER BY w.id FOR NO KEY UPDATE OF w)""",
        {"company": company_id, "key": key, "unless": unless_as},
    )


def widen(window_id: int, scope_kind: str, scope_id: str) -> None:
    """List the window again from its top, by a wider scope: the narrow listing lacked legs of a conversation."""
    Window.objects.filter(pk=window_id, state=Window.State.QUEUED).exclude(scope_kind=scope_kind, scope_id=scope_id).update(
        scope_kind=scope_kind, scope_id=scope_id, listed_down_to=_before(window_id), listed_as=None
    )


def _before(window_id: int) -> datetime:
    return Window.objects.values_list("before", flat=True).get(pk=window_id)


@transaction.atomic
def finish_window(window_id: int, now: datetime, enqueue: Enqueue) -> None:
    """Finish a window that is listed completely and whose copies were all tried; queue the next ones, and end the run after its last
    window."""
    company_id = _company_of(window_id)
    _lock_runs(company_id)
    Window.objects.filter(pk=window_id, state=Window.State.QUEUED).update(state=Window.State.DONE, reason="", detail="")
    _after_window(company_id, now, enqueue)


@transaction.atomic
def put_back(window_id: int, reason: str, detail: str, wait: float, now: datetime, enqueue: Enqueue, *, spends: bool = True) -> None:
    """Postpone a window by `wait` seconds, because its listing failed temporarily. After LISTING_ATTEMPTS in a row it fails."""
    company_id = _company_of(window_id)
    _lock_runs(company_id)
    spent = int(spends)
    execute(
        """UPDATE ledger_window SET state = CASE WHEN attempt + %s >= %s THEN 'failed' ELSE 'waiting' END, attempt = attempt + %s,
                  due_at = %s, reason = %s, detail = %s
            WHERE id = %s AND state = 'queued'""",
        [spent, LISTING_ATTEMPTS, spent, now + timedelta(seconds=wait), reason, detail[:500], window_id],
    )
    _after_window(company_id, now, enqueue)


@transaction.atomic
def fail_window(window_id: int, reason: str, detail: str, now: datetime, enqueue: Enqueue) -> None:
    """Fail a window, because the source refuses the listing itself: the run continues without it and reports it."""
    company_id = _company_of(window_id)
    _lock_runs(company_id)
    Window.objects.filter(pk=window_id, state=Window.State.QUEUED).update(state=Window.State.FAILED, reason=reason, detail=detail[:500])
    _after_window(company_id, now, enqueue)


def suspend_window(window_id: int, reason: str) -> None:
    """Let a window wait, because a hold stopped it: no attempt is used up, and it is queued again when the hold has lifted."""
    Window.objects.filter(pk=window_id, state=Window.State.QUEUED).update(state=Window.State.WAITING, reason=reason)


def _after_window(company_id: int, now: datetime, enqueue: Enqueue) -> None:
    queue_windows(company_id, now, enqueue)
    end_done(company_id, now)


@transaction.atomic
def end_done(company_id: int, now: datetime) -> None:
    """End the company's runs that have nothing left to do: every window listed, every due copy tried or stopped by a hold.

    Copies that wait for a later time do not keep a run open; they count as pending, and are tried when they are due.
    """
    ended = fetch(
        f"""UPDATE ledger_run u SET state = 'finished', finished_at = %(now)s
             WHERE u.company_id = %(company)s AND u.state = 'running'
               AND NOT EXISTS (SELECT 1 FROM ledger_window w WHERE w.run_id = u.id AND w.state IN ('waiting', 'queued'))
               AND NOT EXISTS (SELECT 1 FROM ledger_copy c JOIN ledger_recording r ON r.id = c.recording_id
                                WHERE c.company_id = u.company_id AND c.state = 'pending' AND c.due_at <= %(now)s
                                  AND u.targets @> to_jsonb(c.target_id)
                                  AND c.call_started_at >= u.since AND c.call_started_at < u.until
                                  AND NOT {STOPPED_BY_HOLD})
         RETURNING u.id""",  # noqa: S608 (a constant piece)
        {"now": now, "company": company_id},
    )
    for (run_id,) in ended:
        _keep_outcome(run_id)


def _keep_outcome(run_id: int) -> None:
    progress = read.run_progress(run_id)
    outcome = {str(target): asdict(counts) for target, counts in progress.targets.items()}
    Run.objects.filter(pk=run_id).update(outcome=outcome)


@transaction.atomic
def pause(run_id: int, now: datetime) -> bool:
    """Pause a run: its windows leave the queue and keep their resume marks. Return False if it is not running."""
    if not Run.objects.filter(pk=run_id, state=Run.State.RUNNING).update(state=Run.State.PAUSED, paused_at=now):
        return False
    # Waiting windows are paused too, so that a transaction about to queue one sees the change. A transaction that enters a page locks its
    # window's row: this update waits for it, and the resumed run continues from that page.
    Window.objects.filter(run_id=run_id, state__in=[Window.State.WAITING, Window.State.QUEUED]).update(state=Window.State.PAUSED)
    return True


@transaction.atomic
def resume(run_id: int, now: datetime) -> bool:
    """Resume a paused run. Return False if it is not paused. Its windows that wait for a later try are due now, because a person asked.

    The caller queues windows and due copies, as for a new run.
    """
    if not Run.objects.filter(pk=run_id, state=Run.State.PAUSED).update(state=Run.State.RUNNING, paused_at=None):
        return False
    Window.objects.filter(run_id=run_id, state=Window.State.PAUSED).update(state=Window.State.WAITING)
    wake(run_id, now)
    return True


@transaction.atomic
def cancel(run_id: int, now: datetime) -> bool:
    """End a run early. Copies that it had not made, and that no other run needs, become `excluded`, visibly, until the next run; copies
    that had failed before it are failed again.

    Return False if it had ended already.
    """
    if not Run.objects.filter(pk=run_id, state__in=OPEN).update(state=Run.State.CANCELLED, finished_at=now):
        return False
    # The windows first: a transaction that enters a page locks its window's row, so this waits for it, and its copies are seen below.
    Window.objects.filter(run_id=run_id, state__in=[Window.State.WAITING, Window.State.QUEUED, Window.State.PAUSED]).update(
        state=Window.State.FAILED, reason=RUN_CANCELLED
    )
    which = """c.company_id = r.company_id AND r.targets @> to_jsonb(c.target_id)
               AND c.call_started_at >= r.since AND c.call_started_at < r.until
               AND NOT EXISTS (SELECT 1 FROM ledger_run o
                                WHERE o.company_id = c.company_id AND o.state IN ('running', 'paused')
                                  AND o.targets @> to_jsonb(c.target_id)
                                  AND c.call_started_at >= o.since AND c.call_started_at < o.until)"""
    values, ours = {"run": run_id}, "(SELECT * FROM ledger_run WHERE id = %(run)s) r"
    for state in (State.FAILED, State.GONE):
        transitions.give_up_again(state, which, values, now, tables=ours)
    transitions.change(State.EXCLUDED, Cause.CANCEL, which, values, now, reason=RUN_CANCELLED, tables=ours)
    _keep_outcome(run_id)
    return True


@transaction.atomic
def take_up(company_id: int, targets: Sequence[int], since: datetime, until: datetime, now: datetime) -> int:
    """Take up the copies in the range of a run that begins (M11), and return their number: copies that failed, or that a cancelled run
    excluded, are pending again, and waiting copies are due now. Copies that a person closed stay closed, and what an inventory found waits
    for a person.

    Their count of tries continues. So waiting copies fail when their time is over, however often runs begin, and each run tries failed
    copies once more.
    """
    inside = """c.company_id = %(company)s AND c.target_id = ANY(%(targets)s)
                AND c.call_started_at >= %(since)s AND c.call_started_at < %(until)s"""
    values = {"company": company_id, "targets": list(targets), "since": since, "until": until, "cancelled": RUN_CANCELLED}
    waiting = transitions.make_due(inside, values, now)
    ids = transitions.locked(
        f"{inside} AND ((c.state = 'failed' AND NOT {BY_INVENTORY}) OR (c.state = 'excluded' AND c.reason = %(cancelled)s))", values
    )
    return waiting + len(transitions.change(State.PENDING, Cause.RUN, f"c.id = ANY(%(ids)s) AND NOT {CLOSED}", {"ids": ids}, now))
