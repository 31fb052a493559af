"""Exclude the pending copies of a rule that is switched off, visibly, and include them when it is switched on again (C7)."""

from collections.abc import Sequence
from datetime import datetime

from rokuon.domain.copies import Cause, State
from rokuon.domain.settings import KIND_NOT_CHOSEN as KIND_NOT_CHOSEN

from . import transitions

RULE_DISABLED = "rule_disabled"
RUN_CANCELLED = "run_cancelled"
EXPIRED_BY_BUCKET_RULE = "expired_by_bucket_rule"


def exclude_pending(targets: Sequence[int], now: datetime) -> int:
    """Exclude the pending copies of these targets, whose rule was disabled. A copy in flight may still be verified."""
    which, values = "c.target_id = ANY(%(targets)s)", {"targets": list(targets)}
    return len(transitions.change(State.EXCLUDED, Cause.RULE, which, values, now, reason=RULE_DISABLED))


def include_again(targets: Sequence[int], now: datetime) -> int:
    """Make the copies that the disabled rule excluded due now, since the rule is enabled again. Their count of tries continues."""
    which, values = "c.target_id = ANY(%(targets)s) AND c.reason = %(excluded_for)s", {"targets": list(targets)}
    return len(transitions.change(State.PENDING, Cause.RULE, which, {**values, "excluded_for": RULE_DISABLED}, now))
