"""Which moves of a copy are allowed, and by what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain.copies import COUNTS_ANEW, TRANSITIONS, Cause, State, may_move, origins

P, V, F, G, X = State.PENDING, State.VERIFIED, State.FAILED, State.GONE, State.EXCLUDED


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (P, V, Cause.TRY),
        (P, F, Cause.TRY),
        (P, G, Cause.TRY),
        (P, P, Cause.TRY),
        (F, V, Cause.PROOF),
        (X, V, Cause.PROOF),
        (P, X, Cause.RULE),
        (X, P, Cause.RULE),
        (P, X, Cause.CANCEL),
        (X, P, Cause.RUN),
        (F, P, Cause.RUN),
        (F, P, Cause.RETRY),
        (G, P, Cause.RETRY),
        (P, P, Cause.RETRY),
        (F, X, Cause.BUCKET),
        (X, P, Cause.BUCKET),
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
        (P, X, Cause.TRY),
        (F, X, Cause.TRY),
        (G, P, Cause.RUN),
        (P, P, Cause.RUN),
        (X, P, Cause.RETRY),
        (P, V, Cause.RETRY),
        (P, F, Cause.RETRY),
        (F, G, Cause.PROOF),
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


def test_whatever_is_not_verified_can_become_pending_again() -> None:
    assert origins(P, Cause.RETRY) | origins(P, Cause.RUN) | origins(P, Cause.RULE) == {P, F, G, X}


def test_nothing_is_given_up_but_by_a_try_a_finding_in_the_bucket_or_the_end_of_what_tried_it_again() -> None:
    causes = set[Cause]()
    for (_before, after), allowed in TRANSITIONS.items():
        if after in (F, G):
            causes |= allowed
    assert causes == {Cause.TRY, Cause.INVENTORY, Cause.CANCEL}


def test_only_what_a_person_sets_has_the_tries_counted_anew() -> None:
    assert COUNTS_ANEW.isdisjoint({Cause.TRY, Cause.RUN, Cause.RULE, Cause.CANCEL})
    assert Cause.RETRY in COUNTS_ANEW
