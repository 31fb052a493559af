"""A rule that is switched off sets what it still had to do aside, visibly; switched on again, it takes it back (C7)."""

from collections.abc import Sequence
from datetime import datetime

from rokuon.domain.copies import Cause, State
from rokuon.domain.settings import KIND_NOT_CHOSEN as KIND_NOT_CHOSEN

from . import transitions

RULE_DISABLED = "rule_disabled"
RUN_CANCELLED = "run_cancelled"


def exclude_pending(targets: Sequence[int], now: datetime) -> int:
    """The rule of these targets was disabled: what is pending is excluded. What a worker has in flight may still be verified."""
    which, values = "c.target_id = ANY(%(targets)s)", {"targets": list(targets)}
    return len(transitions.change(State.EXCLUDED, Cause.RULE, which, values, now, reason=RULE_DISABLED))


def include_again(targets: Sequence[int], now: datetime) -> int:
    """The rule is back: what it excluded is due now, and its tries go on counting."""
    which, values = "c.target_id = ANY(%(targets)s) AND c.reason = %(excluded_for)s", {"targets": list(targets)}
    return len(transitions.change(State.PENDING, Cause.RULE, which, {**values, "excluded_for": RULE_DISABLED}, now))
