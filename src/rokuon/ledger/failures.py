"""Failed and gone copies by cause, and what a person does about them.

Queries and `reopen` are limited to targets (None: all). `close` and `begin_retry` trust their ids: take them from `choose`.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, QuerySet, When

from .models import Closing, Copy, Retry
from .next_try import QUEUED
from .sql import STOPPED_BY_HOLD, STOPPED_BY_PAUSE, fetch

KEPT = timedelta(days=30)
SOON = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class FailureCause:
    """Copies in one state for one reason. `closed` of them are explained; for `kept` of them audio was kept aside. `targets` are (target,
    copies), the largest number first.

    Calls started in [first_call, last_call]; the copies got this state in [first_at, last_at].
    """

    state: str
    reason: str
    copies: int
    closed: int
    kept: int
    first_call: datetime
    last_call: datetime
    first_at: datetime
    last_at: datetime
    targets: tuple[tuple[int, int], ...]

    @property
    def left(self) -> int:
        return self.copies - self.closed


def causes(company_id: int, targets: Sequence[int] | None) -> list[FailureCause]:
    """Group failed and gone copies by state and reason; groups with unexplained copies first, then the largest."""
    rows = fetch(
        """SELECT c.state, c.reason, c.target_id, count(*), count(k.copy_id),
                  count(*) FILTER (WHERE EXISTS (SELECT 1 FROM ledger_aside a WHERE a.copy_id = c.id)),
                  min(c.call_started_at), max(c.call_started_at), min(c.changed_at), max(c.changed_at)
             FROM ledger_copy c LEFT JOIN ledger_closing k ON k.copy_id = c.id AND k.at >= c.changed_at
            WHERE c.company_id = %(company)s AND c.state IN ('failed', 'gone')
              AND (%(targets)s::bigint[] IS NULL OR c.target_id = ANY(%(targets)s))
            GROUP BY 1, 2, 3""",
        {"company": company_id, "targets": _array(targets)},
    )
    by_cause = defaultdict(list)
    for state, reason, *rest in rows:
        by_cause[state, reason].append(rest)
    found = [_cause(state, reason, parts) for (state, reason), parts in by_cause.items()]
    return sorted(found, key=lambda cause: (cause.left == 0, -cause.copies, cause.reason))


def _cause(state: str, reason: str, parts: Sequence[Sequence[object]]) -> FailureCause:
    targets, copies, closed, kept, first_call, last_call, first_at, last_at = zip(*parts, strict=True)
    ranked = sorted(zip(targets, copies, strict=True), key=lambda pair: (-pair[1], pair[0]))
    times = min(first_call), max(last_call), min(first_at), max(last_at)
    return FailureCause(state, reason, sum(copies), sum(closed), sum(kept), *times, tuple(ranked))


def explained(
    company_id: int, targets: Sequence[int] | None, since: datetime | None = None, until: datetime | None = None
) -> dict[tuple[str, str], int]:
    """Count failed and gone copies that a person has closed, by (state, reason); only of calls that started in [since, until), if given."""
    rows = fetch(
        """SELECT c.state, c.reason, count(*) FROM ledger_closing k JOIN ledger_copy c ON c.id = k.copy_id
            WHERE k.at >= c.changed_at AND c.company_id = %(company)s AND c.state IN ('failed', 'gone')
              AND (%(targets)s::bigint[] IS NULL OR c.target_id = ANY(%(targets)s))
              AND (%(since)s::timestamptz IS NULL OR c.call_started_at >= %(since)s)
              AND (%(until)s::timestamptz IS NULL OR c.call_started_at < %(until)s)
            GROUP BY 1, 2""",
        {"company": company_id, "targets": _array(targets), "since": since, "until": until},
    )
    return {(state, reason): copies for state, reason, copies in rows}


NOT_BACKED_UP = (Copy.State.FAILED, Copy.State.GONE, Copy.State.PENDING)


def copies(company_id: int, targets: Sequence[int] | None, state: str | None = None, reason: str | None = None) -> QuerySet[Copy]:
    """Return copies that are not verified and not excluded, of one state or reason if given (`QUEUED`: pending ones without a reason). The
    caller slices the result.

    Failed copies come first, then gone, then those that wait for another try, then queued; in each group the newest call first.
    """
    found = Copy.objects.filter(company_id=company_id, state__in=NOT_BACKED_UP if state is None else [state])
    if reason is not None:
        found = found.filter(reason="", state=Copy.State.PENDING) if reason == QUEUED else found.filter(reason=reason)
    if targets is not None:
        found = found.filter(target_id__in=targets)
    rank = Case(When(state=Copy.State.FAILED, then=0), When(state=Copy.State.GONE, then=1), When(reason="", then=3), default=2)
    return found.select_related("recording", "target__office", "closing").order_by(rank, "-call_started_at", "-pk")


def closing(copy: Copy) -> Closing | None:
    """Return the closing that explains this copy of `copies`, or None if the copy has changed since."""
    found: Closing | None = getattr(copy, "closing", None)
    return found if found is not None and found.at >= copy.changed_at else None


@dataclass(frozen=True, slots=True)
class Which:
    """A person's selection of failed or gone copies: by ids, or by state and reason; None for any value. With `waiting` also pending copies
    that failed before and wait for a later try."""

    ids: Sequence[int] | None = None
    state: str | None = None
    reason: str | None = None
    waiting: bool = False


def choose(company_id: int, targets: Sequence[int] | None, which: Which) -> list[int]:
    """Return the selected copies within the targets, without closed ones unless they are selected by id."""
    rows = fetch(
        """SELECT c.id FROM ledger_copy c
            WHERE c.company_id = %(company)s
              AND ((c.state IN ('failed', 'gone') AND (%(state)s::text IS NULL OR c.state = %(state)s))
                   OR (%(waiting)s AND c.state = 'pending' AND c.reason <> ''))
              AND (%(targets)s::bigint[] IS NULL OR c.target_id = ANY(%(targets)s))
              AND (%(reason)s::text IS NULL OR c.reason = %(reason)s)
              AND (c.id = ANY(%(ids)s) OR (%(ids)s::bigint[] IS NULL AND NOT EXISTS (
                    SELECT 1 FROM ledger_closing k WHERE k.copy_id = c.id AND k.at >= c.changed_at)))""",
        {
            "company": company_id,
            "targets": _array(targets),
            "ids": _array(which.ids),
            "state": which.state,
            "reason": which.reason,
            "waiting": which.waiting,
        },
    )
    return [row[0] for row in rows]


@transaction.atomic
def close(ids: Sequence[int], note: str, by: str, now: datetime) -> list[int]:
    """Mark copies that are still failed or gone as explained, and return their ids. The closing is valid until a person re-opens or
    retries the copy, or the recording is backed up."""
    # Never earlier than the failure that it explains, even if the clocks differ.
    rows = fetch(
        """INSERT INTO ledger_closing (copy_id, note, by, at)
           SELECT id, %s, %s, GREATEST(%s, changed_at) FROM ledger_copy
            WHERE id = ANY(%s) AND state IN ('failed', 'gone') ORDER BY id FOR SHARE
               ON CONFLICT (copy_id) DO UPDATE SET note = EXCLUDED.note, by = EXCLUDED.by, at = EXCLUDED.at RETURNING copy_id""",
        [note, by, now, list(ids)],
    )
    return sorted(row[0] for row in rows)


def reopen(company_id: int, targets: Sequence[int] | None, which: Which) -> list[int]:
    """Take back the closings of the selected failed and gone copies within the targets, and return the ids of these copies."""
    rows = fetch(
        """DELETE FROM ledger_closing k USING ledger_copy c
            WHERE c.id = k.copy_id AND k.at >= c.changed_at AND c.company_id = %(company)s AND c.state IN ('failed', 'gone')
              AND (%(state)s::text IS NULL OR c.state = %(state)s) AND (%(reason)s::text IS NULL OR c.reason = %(reason)s)
              AND (%(targets)s::bigint[] IS NULL OR c.target_id = ANY(%(targets)s))
              AND (%(ids)s::bigint[] IS NULL OR c.id = ANY(%(ids)s)) RETURNING c.id""",
        {"company": company_id, "targets": _array(targets), "ids": _array(which.ids), "state": which.state, "reason": which.reason},
    )
    return sorted(row[0] for row in rows)


def recording_ids(copies: Sequence[int]) -> list[str]:
    """Return the source's ids of the recordings of these copies, in the order of the calls."""
    found = Copy.objects.filter(pk__in=copies).order_by("call_started_at", "pk")
    return list(found.values_list("recording__recording_id", flat=True))


def begin_retry(company_id: int, ids: Sequence[int], by: str, now: datetime) -> Retry | None:
    """Enter a retry: these copies were sent back to pending. Return None for no copies."""
    if not ids:
        return None
    return Retry.objects.create(company_id=company_id, by=by, at=now, copies=list(ids))


def forget_old(now: datetime) -> None:
    """Delete old retries. They only serve to show progress; their effect is in the audit log and in their copies."""
    Retry.objects.filter(at__lt=now - KEPT).delete()


def progress(retry: Retry, targets: Sequence[int] | None) -> dict[str, int]:
    """Count the copies of a retry by their current state."""
    return dict(
        fetch(
            """SELECT state, count(*) FROM ledger_copy
                WHERE id = ANY(%s) AND (%s::bigint[] IS NULL OR target_id = ANY(%s)) GROUP BY 1""",
            [retry.copies, _array(targets), _array(targets)],
        )
    )


def moving(retry: Retry, targets: Sequence[int] | None, now: datetime) -> int:
    """Count the copies of a retry that will be tried within `SOON`: pending, due by then, and not stopped by a hold or a pause."""
    ((copies,),) = fetch(
        f"""SELECT count(*) FROM ledger_copy c JOIN ledger_recording r ON r.id = c.recording_id
             WHERE c.id = ANY(%s) AND c.state = 'pending' AND c.due_at <= %s AND (%s::bigint[] IS NULL OR c.target_id = ANY(%s))
               AND NOT {STOPPED_BY_HOLD} AND NOT ({STOPPED_BY_PAUSE})""",  # noqa: S608 (constant pieces)
        [retry.copies, now + SOON, _array(targets), _array(targets)],
    )
    return int(copies)


def _array(ids: Sequence[int] | None) -> list[int] | None:
    return None if ids is None else list(ids)
