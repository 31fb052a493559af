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


class Cause(StrEnum):
    """What changes a copy's state.

    `try`: a worker's try came to something. `proof`: it ended late, after something else had happened to the copy, with a proven object,
    which is evidence. `run`: a run takes it up. `cancel`: a person ended the run that had it. `retry`: a person has it tried again. `rule`:
    a rule or a choice of the settings. `bucket`: its target has another bucket. `accept`: a person takes what was kept aside as it is.
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
    # Waiting goes on: a try came to nothing yet, or a person has the tries counted anew.
    (State.PENDING, State.PENDING): frozenset({Cause.TRY, Cause.RETRY}),
    # An inventory may find the object of a pending copy: after a crash, or with a ledger restored from an older backup.
    (State.PENDING, State.VERIFIED): frozenset({Cause.TRY, Cause.PROOF, Cause.INVENTORY}),
    # A cancelled run leaves what had been given up before it as it was.
    (State.PENDING, State.FAILED): frozenset({Cause.TRY, Cause.CANCEL}),
    (State.PENDING, State.GONE): frozenset({Cause.TRY, Cause.CANCEL}),
    (State.PENDING, State.EXCLUDED): frozenset({Cause.RULE, Cause.CANCEL, Cause.BUCKET}),
    (State.FAILED, State.VERIFIED): frozenset({Cause.PROOF}),
    (State.GONE, State.VERIFIED): frozenset({Cause.PROOF}),
    (State.EXCLUDED, State.VERIFIED): frozenset({Cause.PROOF}),
    (State.FAILED, State.PENDING): frozenset({Cause.RUN, Cause.RETRY, Cause.ACCEPT}),
    (State.FAILED, State.EXCLUDED): frozenset({Cause.BUCKET}),
    (State.GONE, State.PENDING): frozenset({Cause.RETRY, Cause.ACCEPT}),
    (State.EXCLUDED, State.PENDING): frozenset({Cause.RUN, Cause.RULE, Cause.BUCKET}),
    # Only evidence that the object is missing or different takes a verified copy back; no try and no person can.
    (State.VERIFIED, State.PENDING): frozenset({Cause.INVENTORY}),
    (State.VERIFIED, State.FAILED): frozenset({Cause.INVENTORY}),
}

COUNTS_ANEW = frozenset({Cause.RETRY, Cause.BUCKET, Cause.ACCEPT})
"""Causes that a person sets: the tries of what they make pending count from nothing. Any other keeps the counts, so that giving up comes
after its time however often a timer asks."""


def may_move(before: State, after: State, cause: Cause) -> bool:
    return cause in TRANSITIONS.get((before, after), frozenset())


def origins(after: State, cause: Cause) -> frozenset[State]:
    """The states from which this cause may move a copy: the condition of the update that does it."""
    return frozenset(before for (before, to), causes in TRANSITIONS.items() if to is after and cause in causes)
