"""The loss rate: calls that no event told of, out of all that an event could have told of."""

from datetime import datetime, timedelta

import pytest

from rokuon.domain.work import PlannedCall
from rokuon.events import inbox
from rokuon.events.loss import Loss, loss
from rokuon.events.models import Hook
from rokuon.ledger import place
from rokuon.ledger.models import Call
from rokuon.ledger.sql import ms
from rokuon.org.models import Target
from tests.ledger.factory import NOW, World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def world(db: None) -> World:
    world = World()
    Hook.objects.create(company=world.company, secret="sealed", since=NOW - 30 * DAY)
    return world


def call(world: World, call_id: str, started_at: datetime, *targets: Target, recorded: bool = True) -> None:
    calls = [PlannedCall(one.pk, call_id, ms(started_at), recorded, int(recorded)) for one in targets or (world.center,)]
    place.place(world.company.pk, calls, [], NOW)


def event(world: World, call_id: str, state: str = "hangup") -> None:
    inbox.receive(
        world.company.pk,
        digest=f"{call_id} {state}",
        other_legs=(),
        call_id=call_id,
        state=state,
        started_at=NOW - HOUR,
        happened_at=NOW - HOUR,
        now=NOW - HOUR,
        enqueue=lambda company_id: None,
    )


def lost(world: World, since: timedelta = 7 * DAY) -> Loss:
    return loss(world.company.pk, NOW - since, NOW)


def test_a_call_that_no_event_named_is_lost_and_counts_once_for_two_targets(world: World) -> None:
    call(world, "told", NOW - HOUR, world.center, world.other)
    call(world, "untold", NOW - HOUR, world.center, world.other)
    event(world, "told")
    event(world, "told", "recording")
    assert lost(world) == Loss(2, 1)


def test_the_period_begins_with_its_first_moment_and_ends_before_its_last_minute(world: World) -> None:
    for number, started in enumerate((7 * DAY, 7 * DAY + timedelta(seconds=1), timedelta(seconds=61), timedelta(seconds=60))):
        call(world, f"c{number}", NOW - started)
    assert lost(world) == Loss(2, 2)


def test_calls_from_before_dialpad_was_told_where_to_send_events_are_nobodys_loss(world: World) -> None:
    call(world, "before", NOW - 31 * DAY)
    call(world, "after", NOW - 29 * DAY)
    assert lost(world, 34 * DAY) == Loss(1, 1)
    Hook.objects.update(since=None)
    assert lost(world, 34 * DAY) == Loss(0, 0)
    Hook.objects.all().delete()
    assert lost(world, 34 * DAY) == Loss(0, 0)


def test_calls_whose_hints_are_forgotten_are_not_counted_as_lost(world: World) -> None:
    Hook.objects.update(since=NOW - 400 * DAY)
    call(world, "old", NOW - inbox.KEPT - HOUR)
    assert lost(world, 90 * DAY) == Loss(0, 0)


def test_what_was_not_recorded_and_whose_rule_is_off_does_not_count(world: World) -> None:
    call(world, "silent", NOW - HOUR, recorded=False)
    call(world, "elsewhere", NOW - HOUR, world.other)
    Target.objects.filter(pk=world.other.pk).update(backed_up=False)
    assert Call.objects.count() == 2
    assert lost(world) == Loss(0, 0)


def test_another_companys_event_of_the_same_call_id_is_no_event(world: World) -> None:
    other = World("Other")
    call(world, "same", NOW - HOUR)
    event(other, "same")
    assert lost(world) == Loss(1, 1)
    assert lost(other) == Loss(0, 0)
