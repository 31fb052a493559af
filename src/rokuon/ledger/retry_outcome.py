"""The result of a person's retry: what became of its copies, and what the rest waits for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .models import Retry
from .sql import NAMED_BY_HOLD, STOPPED_BY_PAUSE, fetch


@dataclass(frozen=True, slots=True)
class RetriedCopies:
    """Copies of a retry in one state for one reason. For pending ones: `held_on` and `held_ref` name the hold that stops them, with the
    hold's reason, or `paused` is set, or they are due at `next_at` or later."""

    state: str
    reason: str
    copies: int
    held_on: str
    held_ref: str
    paused: bool
    next_at: datetime | None


def outcome(retry: Retry, targets: Sequence[int] | None) -> list[RetriedCopies]:
    """Return the copies of a retry by state and reason, the largest number first. `targets`: those within reach, None for all."""
    rows = fetch(
        f"""SELECT c.state, COALESCE(stop.reason, c.reason), count(*), COALESCE(stop.on, ''), COALESCE(stop.ref, ''),
                   c.state = 'pending' AND stop.on IS NULL AND ({STOPPED_BY_PAUSE}) AS paused, min(c.due_at)
              FROM ledger_copy c JOIN ledger_recording r ON r.id = c.recording_id
                   LEFT JOIN LATERAL (SELECT h.on, h.ref, h.reason FROM ledger_hold h
                                       WHERE c.state = 'pending' AND h.lifted_at IS NULL AND {NAMED_BY_HOLD}
                                       ORDER BY h.since, h.id LIMIT 1) AS stop ON true
             WHERE c.id = ANY(%(copies)s) AND (%(targets)s::bigint[] IS NULL OR c.target_id = ANY(%(targets)s))
             GROUP BY 1, 2, 4, 5, 6 ORDER BY 3 DESC, 1, 2""",  # noqa: S608 (constant pieces)
        {"copies": retry.copies, "targets": None if targets is None else list(targets)},
    )
    return [RetriedCopies(*row) for row in rows]
