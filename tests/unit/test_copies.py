"""Which moves of a copy are allowed, and by what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain.copies import TRANSITIONS, Cause, State, may_move, origins

P, V, F, G, X = State.PENDING, State.VERIFIED, State.FAILED, State.GONE, State.EXCLUDED


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (P, V, Cause.TRY),
        (P, F, Cause.TRY),
        (P, G, Cause.TRY),
        (P, X, Cause.RULE),
        (F, P, Cause.REQUEST),
        (G, P, Cause.REQUEST),
        (X, P, Cause.RULE),
        (F, P, Cause.RETRY_DECISION),
        (V, F, Cause.INVENTORY),
        (V, P, Cause.INVENTORY),
        (P, V, Cause.INVENTORY),
    ],
)
def test_an_allowed_move(before: State, after: State, cause: Cause) -> None:
    assert may_move(before, after, cause)


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (F, V, Cause.TRY),
        (G, V, Cause.TRY),
        (X, V, Cause.TRY),
        (X, F, Cause.TRY),
        (P, P, Cause.TRY),
        (X, P, Cause.RETRY_DECISION),
        (P, V, Cause.REQUEST),
        (P, F, Cause.REQUEST),
        (F, X, Cause.TRY),
    ],
)
def test_a_refused_move(before: State, after: State, cause: Cause) -> None:
    assert not may_move(before, after, cause)


@given(st.sampled_from(State), st.sampled_from(Cause))
def test_nothing_but_evidence_takes_back_a_verified_copy(after: State, cause: Cause) -> None:
    assert not may_move(V, after, cause) or cause is Cause.INVENTORY


@given(st.sampled_from(State), st.sampled_from(State), st.sampled_from(Cause))
def test_an_update_starts_from_the_states_that_the_table_allows(before: State, after: State, cause: Cause) -> None:
    assert (before in origins(after, cause)) == may_move(before, after, cause)


def test_a_person_can_put_back_whatever_is_not_verified() -> None:
    assert origins(P, Cause.REQUEST) == {F, G, X}


def test_every_final_state_is_reached_from_pending_alone_but_for_an_inventory_finding() -> None:
    others = {(before, after) for before, after in TRANSITIONS if P not in (before, after)}
    assert others == {(V, F)}
