"""A rule that is switched off sets what it still had to do aside, visibly; switched on again, it takes it back (C7)."""

from collections.abc import Sequence
from datetime import datetime

from .sql import execute

RULE_DISABLED = "rule_disabled"
KIND_NOT_CHOSEN = "kind_not_chosen"
RUN_CANCELLED = "run_cancelled"


def exclude_pending(targets: Sequence[int], now: datetime) -> int:
    """The rule of these targets was disabled: what is pending is excluded. What a worker has in flight may still be verified."""
    return execute(
        """UPDATE ledger_copy SET state = 'excluded', reason = %s, due_at = NULL, attempt = attempt + 1, changed_at = %s
            WHERE target_id = ANY(%s) AND state = 'pending'""",
        [RULE_DISABLED, now, list(targets)],
    )


def include_again(targets: Sequence[int], now: datetime) -> int:
    """The rule is back: what it excluded is due now."""
    return execute(
        """UPDATE ledger_copy SET state = 'pending', reason = '', due_at = %s, attempt = attempt + 1, tries = 0, negatives = 0,
                  first_negative_at = NULL, changed_at = %s
            WHERE target_id = ANY(%s) AND state = 'excluded' AND reason = %s""",
        [now, now, list(targets), RULE_DISABLED],
    )
