"""When each pending copy is tried next, or which hold prevents it: for lists of single recordings."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from . import holds
from .models import Copy, Hold, Run
from .sql import STOPPED_BY_HOLD, STOPPED_BY_PAUSE, fetch

QUEUED = "queued"
"""Used in place of a reason for a pending copy that has none, because it was not tried yet."""


@dataclass(frozen=True, slots=True)
class WaitingCause:
    """Pending copies of one reason (`QUEUED` for none). `targets` are (target, copies), the largest number first. Calls started in
    [first_call, last_call]. `held` of them are stopped by a hold, `paused` by a paused run; the first of the others is due at `next_at`
    (None: there is no other)."""

    reason: str
    copies: int
    held: int
    paused: int
    first_call: datetime
    last_call: datetime
    next_at: datetime | None
    targets: tuple[tuple[int, int], ...]

    @property
    def state(self) -> str:
        return Copy.State.PENDING.value

    @property
    def queued(self) -> bool:
        return self.reason == QUEUED


def causes(company_id: int, targets: Sequence[int] | None) -> list[WaitingCause]:
    """Group pending copies by reason: those that failed before first, then queued ones; the largest group first."""
    # These conditions cost time for each copy, so they are used only if a hold or a pause exists.
    held = STOPPED_BY_HOLD if holds.open_holds(company_id) else "FALSE"
    paused = STOPPED_BY_PAUSE if Run.objects.filter(company_id=company_id, state=Run.State.PAUSED).exists() else "FALSE"
    rows = fetch(
        f"""SELECT reason, target_id, count(*), count(*) FILTER (WHERE held), count(*) FILTER (WHERE paused AND NOT held),
                   min(call_started_at), max(call_started_at), min(due_at) FILTER (WHERE NOT held AND NOT paused)
              FROM (SELECT c.reason, c.target_id, c.call_started_at, c.due_at, {held} AS held, {paused} AS paused
                      FROM ledger_copy c JOIN ledger_recording r ON r.id = c.recording_id
                     WHERE c.company_id = %(company)s AND c.state = 'pending'
                       AND (%(targets)s::bigint[] IS NULL OR c.target_id = ANY(%(targets)s))) AS there
             GROUP BY 1, 2""",  # noqa: S608 (constant pieces)
        {"company": company_id, "targets": None if targets is None else list(targets)},
    )
    by_reason = defaultdict(list)
    for reason, *rest in rows:
        by_reason[reason or QUEUED].append(rest)
    found = [_waiting(reason, parts) for reason, parts in by_reason.items()]
    return sorted(found, key=lambda one: (one.reason == QUEUED, -one.copies, one.reason))


def _waiting(reason: str, parts: Sequence[Sequence[object]]) -> WaitingCause:
    targets, copies, held, paused, first_call, last_call, next_at = zip(*parts, strict=True)
    ranked = sorted(zip(targets, copies, strict=True), key=lambda pair: (-pair[1], pair[0]))
    due = [one for one in next_at if one is not None]
    return WaitingCause(reason, sum(copies), sum(held), sum(paused), min(first_call), max(last_call), min(due, default=None), tuple(ranked))


@dataclass(frozen=True, slots=True)
class Next:
    """The next try of a pending copy. Exactly one is set: `at` (in the past: as soon as a worker is free), the `hold` that stops it, or
    the id of the `paused` run that it belongs to."""

    at: datetime | None = None
    hold: Hold | None = None
    paused: int | None = None


class Stops:
    """The holds and paused runs that stop copies of a company now, read once for many copies."""

    def __init__(self, company_id: int) -> None:
        self._holds = holds.open_holds(company_id)
        self._runs = list(Run.objects.filter(company_id=company_id, state__in=[Run.State.PAUSED, Run.State.RUNNING]).order_by("pk"))

    def next_try(self, copy: Copy) -> Next | None:
        """Return the next try; None for a copy that is not pending. `copy.recording` is loaded."""
        if copy.state != Copy.State.PENDING:
            return None
        hold = holds.of(copy, self._holds)
        if hold is not None:
            return Next(hold=hold)
        mine = [run for run in self._runs if copy.target_id in run.targets and run.since <= copy.call_started_at < run.until]
        if mine and all(run.state == Run.State.PAUSED for run in mine):
            return Next(paused=mine[0].pk)
        return Next(at=copy.due_at)
