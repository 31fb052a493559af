"""The states of a copy, and who may move it from which to which.

A copy is one recording on its way to one bucket for one target. Always: discovered = pending + verified + failed + gone + excluded. A
copy in flight is still pending: nothing is claimed, so that a killed worker leaves nothing to clean up (docs/design/ledger.md).
"""

from enum import StrEnum


class State(StrEnum):
    """`gone`: the source no longer has it. `excluded`: a person or a rule does not want it. Neither is ever hidden."""

    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"
    GONE = "gone"
    EXCLUDED = "excluded"


class Waiting(StrEnum):
    """Why a pending copy is not being worked on: its turn has not come, or the reason of its latest try."""

    QUEUED = "queued"
    NOT_READY = "not_ready"
    THROTTLED = "throttled"
    ERROR = "error"
    HELD = "held"


class Cause(StrEnum):
    """What moves a copy. `inventory` is a finding in the bucket, kept with its evidence."""

    TRY = "try"
    RETRY_DECISION = "retry_decision"
    REQUEST = "request"
    RULE = "rule"
    INVENTORY = "inventory"


TRANSITIONS: dict[tuple[State, State], frozenset[Cause]] = {
    # An inventory may find the object of a pending copy: after a crash, or with a ledger restored from an older backup.
    (State.PENDING, State.VERIFIED): frozenset({Cause.TRY, Cause.INVENTORY}),
    (State.PENDING, State.FAILED): frozenset({Cause.TRY}),
    (State.PENDING, State.GONE): frozenset({Cause.TRY}),
    (State.PENDING, State.EXCLUDED): frozenset({Cause.RULE, Cause.REQUEST}),
    (State.FAILED, State.PENDING): frozenset({Cause.REQUEST, Cause.RETRY_DECISION}),
    (State.GONE, State.PENDING): frozenset({Cause.REQUEST, Cause.RETRY_DECISION}),
    (State.EXCLUDED, State.PENDING): frozenset({Cause.REQUEST, Cause.RULE}),
    # Only evidence that the object is missing or different takes a verified copy back; no try and no person can.
    (State.VERIFIED, State.PENDING): frozenset({Cause.INVENTORY}),
    (State.VERIFIED, State.FAILED): frozenset({Cause.INVENTORY}),
}


def may_move(before: State, after: State, cause: Cause) -> bool:
    return cause in TRANSITIONS.get((before, after), frozenset())


def origins(after: State, cause: Cause) -> frozenset[State]:
    """The states from which this cause may move a copy: the condition of the update that does it."""
    return frozenset(before for (before, to), causes in TRANSITIONS.items() if to is after and cause in causes)
