"""The failure desk: what failed, by cause; what a person does about it. Every question and change is bounded by targets (None: all)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, QuerySet, When

from .models import Closing, Copy, Retry
from .next_try import QUEUED
from .sql import STOPPED_BY_HOLD, STOPPED_BY_PAUSE, execute, fetch

KEPT = timedelta(days=30)
SOON = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class FailureCause:
    """Copies in one state for one reason. `closed` of them are explained, of `kept` something was kept aside. `targets` are (target,
    copies), the most first.

    Calls started in [first_call, last_call]; the copies came to this in [first_at, last_at].
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
    """Failed and gone copies by state and reason; what is not explained first, then the largest."""
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
    """How many failed and gone copies a person has closed, by (state, reason); of calls that started in [since, until) where given."""
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
    """Copies that are not verified and not excluded, of one state or reason where it is named (`QUEUED`: pending ones without); slice it.

    What failed first, then what is gone, what waits for another try, and what is queued; of each the newest call first.
    """
    found = Copy.objects.filter(company_id=company_id, state__in=NOT_BACKED_UP if state is None else [state])
    if reason is not None:
        found = found.filter(reason="", state=Copy.State.PENDING) if reason == QUEUED else found.filter(reason=reason)
    if targets is not None:
        found = found.filter(target_id__in=targets)
    rank = Case(When(state=Copy.State.FAILED, then=0), When(state=Copy.State.GONE, then=1), When(reason="", then=3), default=2)
    return found.select_related("recording", "target__office", "closing").order_by(rank, "-call_started_at", "-pk")


def closing(copy: Copy) -> Closing | None:
    """The word that explains this copy of `copies`, as long as it stays as it was then."""
    found: Closing | None = getattr(copy, "closing", None)
    return found if found is not None and found.at >= copy.changed_at else None


@dataclass(frozen=True, slots=True)
class Which:
    """Failed or gone copies that somebody names: by their ids, or by state and reason; each None where it does not matter.
    With `waiting` also pending ones that failed before and wait for a later try."""

    ids: Sequence[int] | None = None
    state: str | None = None
    reason: str | None = None
    waiting: bool = False


def choose(company_id: int, targets: Sequence[int] | None, which: Which) -> list[int]:
    """The copies that are named, within the targets. What nobody closed, unless ids name it."""
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
def close(ids: Sequence[int], note: str, by: str, now: datetime) -> int:
    """Mark as explained what is still failed or gone; how many. It holds until somebody re-opens or retries the copy, or it arrives."""
    # Not earlier than the failure that it explains, whichever clock is ahead.
    return execute(
        """INSERT INTO ledger_closing (copy_id, note, by, at)
           SELECT id, %s, %s, GREATEST(%s, changed_at) FROM ledger_copy
            WHERE id = ANY(%s) AND state IN ('failed', 'gone') ORDER BY id FOR SHARE
               ON CONFLICT (copy_id) DO UPDATE SET note = EXCLUDED.note, by = EXCLUDED.by, at = EXCLUDED.at""",
        [note, by, now, list(ids)],
    )


def reopen(company_id: int, targets: Sequence[int] | None, which: Which) -> int:
    """Take back the closings of the failed and gone copies that are named, within the targets; how many."""
    return execute(
        """DELETE FROM ledger_closing k USING ledger_copy c
            WHERE c.id = k.copy_id AND k.at >= c.changed_at AND c.company_id = %(company)s AND c.state IN ('failed', 'gone')
              AND (%(state)s::text IS NULL OR c.state = %(state)s) AND (%(reason)s::text IS NULL OR c.reason = %(reason)s)
              AND (%(targets)s::bigint[] IS NULL OR c.target_id = ANY(%(targets)s))
              AND (%(ids)s::bigint[] IS NULL OR c.id = ANY(%(ids)s))""",
        {"company": company_id, "targets": _array(targets), "ids": _array(which.ids), "state": which.state, "reason": which.reason},
    )


def begin_retry(company_id: int, ids: Sequence[int], by: str, now: datetime) -> Retry | None:
    """Note that these copies were sent back to pending. None for no copies."""
    if not ids:
        return None
    return Retry.objects.create(company_id=company_id, by=by, at=now, copies=list(ids))


def forget_old(now: datetime) -> None:
    """Retries are there to be watched; what they did stands in the audit log and in their copies."""
    Retry.objects.filter(at__lt=now - KEPT).delete()


def progress(retry: Retry, targets: Sequence[int] | None) -> dict[str, int]:
    """How many of the copies of a retry are in which state now."""
    return dict(
        fetch(
            """SELECT state, count(*) FROM ledger_copy
                WHERE id = ANY(%s) AND (%s::bigint[] IS NULL OR target_id = ANY(%s)) GROUP BY 1""",
            [retry.copies, _array(targets), _array(targets)],
        )
    )


def moving(retry: Retry, targets: Sequence[int] | None, now: datetime) -> int:
    """How many of them will be tried soon: pending, due by then, and stopped by no hold and no pause."""
    ((copies,),) = fetch(
        f"""SELECT count(*) FROM ledger_copy c JOIN ledger_recording r ON r.id = c.recording_id
             WHERE c.id = ANY(%s) AND c.state = 'pending' AND c.due_at <= %s AND (%s::bigint[] IS NULL OR c.target_id = ANY(%s))
               AND NOT {STOPPED_BY_HOLD} AND NOT ({STOPPED_BY_PAUSE})""",  # noqa: S608 (constant pieces)
        [retry.copies, now + SOON, _array(targets), _array(targets)],
    )
    return int(copies)


def _array(ids: Sequence[int] | None) -> list[int] | None:
    return None if ids is None else list(ids)
