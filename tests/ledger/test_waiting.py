"""What a run waits for, named by ids: grouped by why, with the time of the next try."""

from datetime import timedelta

import pytest

from rokuon.domain.copies import State
from rokuon.domain.work import Outcome, Work
from rokuon.ledger import record
from rokuon.ledger.sql import at
from rokuon.ledger.waiting import WaitingCopies, waiting_copies

from .factory import NOW, START_MS, World


@pytest.fixture
def world(db: None) -> World:
    return World()


def waits(work: Work, reason: str, seconds: float) -> Outcome:
    return Outcome(work.copy_id, work.attempt, State.PENDING, reason=reason, spent=True, due_in_s=seconds)


def of(world: World, named: int = 5, *targets: int) -> list[WaitingCopies]:
    asked = list(targets) or [world.center.pk, world.other.pk]
    return list(waiting_copies(world.company.pk, asked, at(START_MS), at(START_MS + 100), NOW, named))


def test_what_waits_is_named_by_its_ids_with_why_and_until_when(world: World) -> None:
    works = world.place(*[world.planned(number) for number in range(7)])
    record.record([waits(work, "recording_too_slow", 300 + work.copy_id) for work in works[:4]], NOW)
    world.verify(works[4])
    slow, next_ones = of(world, 3)
    first = sorted(works[:4], key=lambda work: work.copy_id)
    assert (slow.reason, slow.count, slow.ids) == ("recording_too_slow", 4, tuple(work.recording_id for work in first[:3]))
    assert slow.next_at == NOW + timedelta(seconds=300 + first[0].copy_id), "the first of them"
    left = {work.recording_id for work in works[5:]}
    assert (next_ones.reason, next_ones.count, set(next_ones.ids), next_ones.next_at) == ("", 2, left, None)


def test_what_is_due_again_may_be_under_way_whatever_it_waited_for_before(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([waits(work, "recording_too_slow", -1)], NOW)
    assert of(world) == [WaitingCopies("", 1, ("r1",), None)]


def test_other_targets_and_other_days_are_not_the_runs(world: World) -> None:
    world.place(world.planned(1, world.other), world.planned(100))
    assert of(world, 5, world.center.pk) == []
