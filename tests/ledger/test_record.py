"""Outcomes are conditional updates: a late or second worker changes nothing (I4, I8, E10, E11)."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from rokuon.domain.copies import TRANSITIONS, State
from rokuon.domain.work import Outcome
from rokuon.ledger import read, record
from rokuon.ledger.models import Copy
from tests.ledger.factory import NOW, World, failed, states, verified


def test_a_verified_outcome_is_written_with_all_its_proofs(world: World) -> None:
    (work,) = world.place(world.planned(1))
    assert world.verify(work) == {work.copy_id}
    copy = Copy.objects.get()
    assert (copy.state, copy.size, copy.sha256, copy.crc32c, copy.version) == ("verified", 10, "a" * 64, 7, "1")
    assert (copy.proof, copy.audio_ms, copy.due_at, copy.reason) == ("length", 1000, None, "")


def test_an_outcome_of_an_older_attempt_changes_nothing(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([Outcome(work.copy_id, work.attempt, State.PENDING, reason="source_unavailable", spent=True, due_in_s=60)], NOW)
    assert record.record([failed(work)], NOW) == set()
    assert states() == {"pending": 1}


def test_whole_and_fractional_waits_are_recorded_together(world: World) -> None:
    first, second = world.place(world.planned(1), world.planned(2))
    waits = [
        Outcome(work.copy_id, work.attempt, State.PENDING, reason="source_unavailable", spent=True, due_in_s=due)
        for work, due in ((first, 60), (second, 0.5))
    ]
    assert record.record(waits, NOW) == {first.copy_id, second.copy_id}


def test_a_failure_never_takes_a_verified_copy_back(world: World) -> None:
    (work,) = world.place(world.planned(1))
    world.verify(work)
    assert record.record([failed(work)], NOW) == set()
    assert states() == {"verified": 1}


def test_a_late_proof_counts_even_after_another_worker_gave_up(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    assert record.record([verified(work)], NOW) == {work.copy_id}
    assert states() == {"verified": 1}


def test_a_second_proof_of_one_copy_is_accepted_and_changes_nothing(world: World) -> None:
    (work,) = world.place(world.planned(1))
    world.verify(work)
    assert record.record([replace(verified(work), version="2")], NOW) == {work.copy_id}
    assert Copy.objects.get().version == "1"


def test_a_deferral_spends_an_attempt_only_if_it_says_so(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([Outcome(work.copy_id, 0, State.PENDING, reason="source_throttled", due_in_s=60)], NOW)
    copy = Copy.objects.get()
    assert (copy.attempt, copy.tries, copy.due_at) == (0, 0, NOW + timedelta(seconds=60))
    record.record([Outcome(work.copy_id, 0, State.PENDING, reason="recording_not_ready", spent=True, negative=True, due_in_s=60)], NOW)
    copy = Copy.objects.get()
    assert (copy.attempt, copy.tries, copy.negatives, copy.first_negative_at) == (1, 1, 1, NOW)


def test_a_batch_mixes_waits_of_whole_and_of_broken_seconds(world: World) -> None:
    one, other = world.place(world.planned(1), world.planned(2))
    waits = Outcome(other.copy_id, 0, State.PENDING, reason="source_kind_denied", due_in_s=60)
    assert record.record([verified(one), waits], NOW) == {one.copy_id, other.copy_id}
    assert states() == {"verified": 1, "pending": 1}


def test_a_batch_mixes_outcomes_and_answers_those_it_wrote(world: World) -> None:
    works = world.place(*[world.planned(number) for number in range(6)])
    stale = replace(failed(works[5]), attempt=9)
    written = record.record([verified(work) for work in works[:3]] + [failed(work) for work in works[3:5]] + [stale], NOW)
    assert written == {work.copy_id for work in works[:5]}
    assert states() == {"verified": 3, "failed": 2, "pending": 1}


class Outcomes(TestCase):
    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(st.integers(0, 4), st.integers(0, 3), st.sampled_from(["verified", "pending", "failed", "gone"]), st.booleans()),
            max_size=25,
        )
    )
    def test_whatever_arrives_the_identity_holds_and_only_allowed_moves_happen(self, arrivals: list[tuple[int, int, str, bool]]) -> None:
        world = World()
        works = world.place(*[world.planned(number) for number in range(5)])
        for number, attempt, state, spent in arrivals:
            before = dict(Copy.objects.values_list("pk", "state"))
            attempts = dict(Copy.objects.values_list("pk", "attempt"))
            outcome = replace(
                verified(works[number]), attempt=attempt, state=State(state), spent=spent, reason="" if state == "verified" else "x"
            )
            record.record([outcome], NOW)
            for pk, after in Copy.objects.values_list("pk", "state"):
                assert before[pk] == after or (State(before[pk]), State(after)) in TRANSITIONS
                assert before[pk] != "verified" or after == "verified"
            assert all(attempts[pk] <= now for pk, now in Copy.objects.values_list("pk", "attempt"))
            counts = read.counts_by_target(world.company.pk)[world.center.pk]
            assert counts.discovered == 5


def test_a_batch_mixes_outcomes_that_wait_whole_seconds_with_those_that_wait_parts_of_one(world: World) -> None:
    one, two, three = world.place(*[world.planned(number) for number in range(3)])
    waits = [
        Outcome(one.copy_id, 0, State.PENDING, reason="recording_not_audio", spent=True, due_in_s=60),
        Outcome(two.copy_id, 0, State.PENDING, reason="source_throttled", due_in_s=0.5),
        verified(three),
    ]
    assert record.record(waits, NOW) == {one.copy_id, two.copy_id, three.copy_id}
