"""State machine of a copy: its states, and the causes that may move it from one state to another.

A copy is one recording for one target in one bucket. Always: discovered = pending + verified + failed + gone + excluded. A copy in flight
is still pending: no worker claims it, so that a killed worker leaves nothing to clean up (docs/design/ledger.md).
"""

from enum import StrEnum


class State(StrEnum):
    """`gone`: the source no longer has it. `excluded`: a person or a rule does not want it. Rokuon never hides either."""

    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"
    GONE = "gone"
    EXCLUDED = "excluded"


class Cause(StrEnum):
    """Cause of a change of a copy's state.

    `try`: a worker's try had a result. `proof`: a try ended late, after another change of the copy, with a proven object, which is
    evidence. `run`: a run takes it up. `cancel`: a person cancelled its run. `retry`: a person retries it. `rule`: a rule or another
    choice in the settings. `bucket`: its target has another bucket. `accept`: a person accepts the bytes that were kept aside.
    `inventory`: a finding in the bucket, kept with its evidence.
    """

    TRY = "try"
    PROOF = "proof"
    RUN = "run"
    CANCEL = "cancel"
    RETRY = "retry"
    RULE = "rule"
    BUCKET = "bucket"
    ACCEPT = "accept"
    INVENTORY = "inventory"


TRANSITIONS: dict[tuple[State, State], frozenset[Cause]] = {
    # The copy keeps waiting: a try had no final result, or a person's retry reset the count of tries.
    (State.PENDING, State.PENDING): frozenset({Cause.TRY, Cause.RETRY}),
    # An inventory may find the object of a pending copy: after a crash, or with a ledger restored from an older backup.
    (State.PENDING, State.VERIFIED): frozenset({Cause.TRY, Cause.PROOF, Cause.INVENTORY}),
    # Cancelling a run restores the state of copies that had failed or were gone before the run.
    (State.PENDING, State.FAILED): frozenset({Cause.TRY, Cause.CANCEL}),
    (State.PENDING, State.GONE): frozenset({Cause.TRY, Cause.CANCEL}),
    (State.PENDING, State.EXCLUDED): frozenset({Cause.RULE, Cause.CANCEL, Cause.BUCKET}),
    # An inventory may find the very bytes again that an earlier one missed: someone restored them.
    (State.FAILED, State.VERIFIED): frozenset({Cause.PROOF, Cause.INVENTORY}),
    (State.GONE, State.VERIFIED): frozenset({Cause.PROOF}),
    (State.EXCLUDED, State.VERIFIED): frozenset({Cause.PROOF}),
    (State.FAILED, State.PENDING): frozenset({Cause.RUN, Cause.RETRY, Cause.ACCEPT}),
    (State.FAILED, State.EXCLUDED): frozenset({Cause.BUCKET}),
    (State.GONE, State.PENDING): frozenset({Cause.RETRY, Cause.ACCEPT}),
    (State.EXCLUDED, State.PENDING): frozenset({Cause.RUN, Cause.RULE, Cause.BUCKET}),
    # Only evidence that the object is missing or different changes a verified copy; no try and no person can.
    (State.VERIFIED, State.PENDING): frozenset({Cause.INVENTORY}),
    (State.VERIFIED, State.FAILED): frozenset({Cause.INVENTORY}),
    # The bucket's own rule deleted the object at its age, as the company chose.
    (State.VERIFIED, State.EXCLUDED): frozenset({Cause.INVENTORY}),
}

COUNTS_ANEW = frozenset({Cause.RETRY, Cause.BUCKET, Cause.ACCEPT})
"""Causes that a person sets: they reset the count of tries of the copies that they make pending. All others keep the count, so that a copy
fails in the usual time however often a timer takes it up."""


def may_move(before: State, after: State, cause: Cause) -> bool:
    return cause in TRANSITIONS.get((before, after), frozenset())


def origins(after: State, cause: Cause) -> frozenset[State]:
    """Return the states from which this cause may move a copy to `after`: the condition of the UPDATE."""
    return frozenset(before for (before, to), causes in TRANSITIONS.items() if to is after and cause in causes)
