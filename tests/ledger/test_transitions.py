"""Every change of a copy's state goes one way, and only as far as the table lets its cause."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rokuon.domain.copies import TRANSITIONS, Cause, State
from rokuon.domain.work import Outcome
from rokuon.ledger import retry, runs, transitions
from rokuon.ledger.models import Copy
from tests.ledger.factory import NOW, World, failed, verified

OURS = "c.company_id = %(company)s"


def in_state(world: World, state: State) -> Copy:
    """A copy that was brought there past the ledger."""
    (work,) = world.place(world.planned(1))
    if state is State.VERIFIED:
        world.verify(work)
    else:
        due = {} if state is State.PENDING else {"due_at": None}
        Copy.objects.filter(pk=work.copy_id).update(state=state, reason="" if state is State.PENDING else "recording_gone", **due)
    return Copy.objects.get()


@pytest.mark.parametrize("cause", list(Cause))
@pytest.mark.parametrize("before", list(State))
@pytest.mark.parametrize("after", [State.PENDING, State.FAILED, State.GONE, State.EXCLUDED])
def test_a_change_happens_if_and_only_if_the_table_has_it(world: World, before: State, after: State, cause: Cause) -> None:
    copy = in_state(world, before)
    if cause in TRANSITIONS.get((before, after), frozenset()):
        assert transitions.change(after, cause, OURS, {"company": world.company.pk}, NOW, reason="why") == [copy.pk]
        copy.refresh_from_db()
        assert (copy.state, copy.attempt) == (after, 1)
    else:
        try:
            assert transitions.change(after, cause, OURS, {"company": world.company.pk}, NOW, reason="why") == []
        except transitions.TransitionRefused:
            assert not any(to is after and cause in causes for (_, to), causes in TRANSITIONS.items())
        assert Copy.objects.get().state == before


@pytest.mark.parametrize("cause", list(Cause))
@pytest.mark.parametrize("before", list(State))
@pytest.mark.parametrize("after", list(State))
def test_an_outcome_is_entered_if_and_only_if_the_table_has_it(world: World, before: State, after: State, cause: Cause) -> None:
    copy = in_state(world, before)
    outcome = Outcome(copy.pk, copy.attempt, after, "recording_gone", spent=True)
    if after is State.VERIFIED:
        outcome = replace(outcome, size=10, sha256="a" * 64, crc32c=7, proof="length", audio_ms=1000)
    if cause in TRANSITIONS.get((before, after), frozenset()):
        assert transitions.enter([(outcome, before, copy.attempt)], cause, NOW) == {copy.pk}
        assert Copy.objects.get().state == after
    else:
        with pytest.raises(transitions.TransitionRefused):
            transitions.enter([(outcome, before, copy.attempt)], cause, NOW)
        assert Copy.objects.get().state == before


def test_one_outcome_that_is_refused_keeps_the_whole_batch_unwritten(world: World) -> None:
    one, two = world.place(world.planned(1), world.planned(2))
    with pytest.raises(transitions.TransitionRefused):
        transitions.enter(
            [(verified(one), "pending", 0), (Outcome(two.copy_id, 0, State.EXCLUDED, "rule_disabled"), "pending", 0)],
            Cause.TRY,
            NOW,
        )
    assert set(Copy.objects.values_list("state", flat=True)) == {"pending"}


def test_what_is_made_due_keeps_its_counts_and_what_a_worker_has_in_flight_still_counts(world: World) -> None:
    (work,) = world.place(world.planned(1))
    first = NOW - timedelta(hours=5)
    Copy.objects.update(due_at=NOW + timedelta(hours=4), tries=5, negatives=2, first_negative_at=first, reason="recording_not_ready")
    assert transitions.make_due(OURS, {"company": world.company.pk}, NOW) == 1
    copy = Copy.objects.get()
    assert (copy.due_at, copy.tries, copy.negatives, copy.first_negative_at, copy.reason) == (NOW, 5, 2, first, "recording_not_ready")
    assert transitions.make_due(OURS, {"company": world.company.pk}, NOW) == 0
    assert transitions.enter([(failed(work), "pending", work.attempt)], Cause.TRY, NOW) == {work.copy_id}


def test_a_person_who_retries_has_the_tries_counted_anew_and_a_run_does_not(world: World) -> None:
    world.place(world.planned(1))
    Copy.objects.update(state="failed", due_at=None, tries=8, negatives=3, first_negative_at=NOW, reason="recording_truncated")
    runs.take_up(world.company.pk, [world.center.pk], NOW - timedelta(days=900), NOW, NOW)
    copy = Copy.objects.get()
    assert (copy.state, copy.due_at, copy.tries, copy.negatives, copy.first_negative_at) == ("pending", NOW, 8, 3, NOW)
    Copy.objects.update(reason="recording_truncated", due_at=NOW + timedelta(hours=1))
    assert retry.retry(world.company.pk, NOW) == [copy.pk]
    copy.refresh_from_db()
    assert (copy.due_at, copy.tries, copy.negatives, copy.first_negative_at, copy.reason) == (NOW, 0, 0, None, "")
