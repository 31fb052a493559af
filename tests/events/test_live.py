"""From the end of a call to the object in the bucket, by its events alone (article point M8)."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test import Client

from rokuon.events import inbox
from rokuon.events.loss import Loss, loss
from rokuon.events.models import Hint
from rokuon.jobs.tick import tick
from rokuon.ledger.models import Call, Copy
from rokuon.org import services
from rokuon.org.models import Target
from tests.e2e.rig import Rig, small_world

from .conftest import the_hook
from .test_hook import secret_of
from .tokens import EVENT, token

LiveRig = Callable[..., Rig]


def wait_for_hints(rig: Rig, least: int) -> None:
    until = time.monotonic() + 20
    while Hint.objects.count() < least:
        assert time.monotonic() < until, f"{Hint.objects.count()} of {least} events came"
        time.sleep(0.02)


def look(rig: Rig) -> None:
    """What the job does that receiving an event asked for."""
    for company in inbox.companies_with_due(rig.clock()):
        rig.run_async(lambda engine, company=company: engine.look(company))  # type: ignore[misc]


def test_a_call_that_ends_is_in_the_bucket_without_anybody_asking(live_rig: LiveRig) -> None:
    rig = live_rig()
    rig.end_call(recordings=1)
    wait_for_hints(rig, 3)  # the hangup of each of two legs, and what tells of the recording
    look(rig)
    assert [copy.state for copy in Copy.objects.all()] == ["verified"]
    assert len(rig.objects()) == 2  # the marker and the recording
    assert set(Hint.objects.values_list("result", flat=True)) == {"found"}
    assert the_hook(rig).event_at is not None


def test_a_leg_that_says_no_name_is_placed_at_once_under_the_directorys(live_rig: LiveRig) -> None:
    rig = live_rig(switches={"person_names": "absent"})
    rig.end_call(recordings=1)
    wait_for_hints(rig, 3)
    look(rig)
    (copy,) = Copy.objects.filter(target__kind="callcenter")
    assert copy.state == "verified"
    assert copy.agent in {user.name for user in rig.sim.company.users}
    assert "unknown-agent" not in copy.key


def test_a_call_that_only_a_sweep_found_is_the_loss(live_rig: LiveRig) -> None:
    rig = live_rig()
    rig.back_up_now()
    rig.advance(hours=1)
    rig.end_call()
    wait_for_hints(rig, 3)
    look(rig)
    rig.sim.hooks[rig.sim.company.id].subscriptions.clear()
    rig.end_call()
    rig.advance(minutes=10)
    tick(rig.clock())
    rig.drain()
    assert Call.objects.filter(started_at__gt=rig.clock() - timedelta(hours=2), was_recorded=True).count() == 2
    assert loss(rig.company.pk, rig.clock() - timedelta(days=7), rig.clock()) == Loss(2, 1)


def test_w1_the_same_event_any_number_of_times_is_one_hint(live_rig: LiveRig) -> None:
    rig = live_rig(switches={"event_copies": 10})
    rig.end_call()
    wait_for_hints(rig, 3)
    until = time.monotonic() + 20
    while rig.sim.deliveries and not all(delivery.attempts for delivery in rig.sim.deliveries):
        assert time.monotonic() < until
        time.sleep(0.02)
    assert len(rig.sim.deliveries) == 10 * Hint.objects.count()
    assert {tuple(delivery.attempts) for delivery in rig.sim.deliveries} == {(200,)}
    look(rig)
    look(rig)
    assert Copy.objects.count() == 1


def test_a_look_is_asked_for_when_everybody_can_see_the_hint_and_again_when_the_event_comes_again(live_rig: LiveRig) -> None:
    """Else a look that was waiting in the queue could begin and miss it; and a process may die before it has asked."""
    rig = live_rig()
    seen: list[int] = []

    def elsewhere(_company: int) -> None:
        with ThreadPoolExecutor(1) as pool:
            seen.append(pool.submit(_hints_on_another_connection).result())

    for _ in range(2):
        inbox.receive(
            rig.company.pk,
            digest="d",
            call_id="1",
            other_legs=(),
            state="hangup",
            started_at=rig.clock(),
            happened_at=None,
            now=rig.clock(),
            enqueue=elsewhere,
        )
    assert seen == [1, 1]


def _hints_on_another_connection() -> int:
    try:
        return Hint.objects.count()
    finally:
        connection.close()


def test_w2_the_recording_told_before_the_hangup_is_the_same_recording(live_rig: LiveRig) -> None:
    rig = live_rig(switches={"event_order": "reversed"})
    rig.end_call()
    wait_for_hints(rig, 3)
    look(rig)
    assert [copy.state for copy in Copy.objects.all()] == ["verified"]


@pytest.mark.parametrize("leg", ["group", "agent"])
def test_a_recording_that_is_told_long_after_the_hangup_is_copied_by_its_own_event(live_rig: LiveRig, leg: str) -> None:
    """That event names one leg. The other, which may have started many seconds apart, was told of by its hangup."""
    rig = live_rig(switches={"recording_delay_ms": 5_000})
    for _ in range(2):
        rig.advance(minutes=30)  # no neighbour whose listing would show the other leg by chance
        known = Copy.objects.count()
        rig.end_call(leg=leg)
        wait_for_hints(rig, Hint.objects.count() + 2)
        look(rig)
        assert Copy.objects.count() == known
        wait_for_hints(rig, Hint.objects.count() + 1)
        look(rig)
        assert Copy.objects.count() > known
    assert set(Copy.objects.values_list("state", flat=True)) == {"verified"}
    assert set(Hint.objects.values_list("result", flat=True)) == {"found"}


def test_legs_whose_events_come_apart_cost_a_look_each_and_no_more(live_rig: LiveRig) -> None:
    rig = live_rig()
    for number in range(4):
        rig.advance(minutes=30)
        rig.end_call()
        wait_for_hints(rig, 3 * number + 3)
        before = rig.list_pages()
        told_of = Hint.objects.filter(state="recording").values("call_id")
        late = Hint.objects.filter(due_at__isnull=False).exclude(call_id__in=told_of).get()
        late.delete()
        look(rig)
        late.save(force_insert=True)  # its event comes only now
        look(rig)
        rig.advance(seconds=4)
        look(rig)
        assert rig.list_pages() - before == 2
    assert set(Hint.objects.values_list("result", flat=True)) == {"found"}


def test_a_burst_costs_requests_by_the_page_and_not_by_the_call(live_rig: LiveRig) -> None:
    rig = live_rig()
    before = rig.list_pages()
    for _ in range(60):
        rig.end_call(talk_ms=2_000)
    wait_for_hints(rig, 180)
    look(rig)
    assert Copy.objects.filter(state="verified").count() == 60
    assert rig.list_pages() - before <= 6, "120 legs are three pages of 50, and no more"


def test_live_and_back_up_now_agree_on_every_name(live_rig: LiveRig) -> None:
    """What events brought under a name, a listing of all days must bring under the same: nothing doubled, nothing left."""
    rig = live_rig()
    for kind in ("callrecording", "admincallrecording"):
        for leg in ("group", "agent"):
            rig.end_call(kind=kind, leg=leg, recordings=2)
    wait_for_hints(rig, 12)
    look(rig)
    by_events = set(rig.objects())
    rig.back_up_now()
    assert by_events <= set(rig.objects())
    rig.check()


def test_a_call_that_is_not_listed_yet_is_looked_for_again_and_then_left_to_the_sweeps(live_rig: LiveRig) -> None:
    rig = live_rig()
    inbox.receive(
        rig.company.pk,
        digest="d",
        call_id="999",
        other_legs=(),
        state="hangup",
        started_at=rig.clock(),
        happened_at=None,
        now=rig.clock(),
        enqueue=lambda company: None,
    )
    for _ in range(5):
        look(rig)
        rig.advance(seconds=61)
    hint = Hint.objects.get()
    assert (hint.result, hint.tries, hint.due_at) == ("left", 3, None)


def test_a_call_whose_event_does_not_say_when_it_started_is_found_all_the_same(live_rig: LiveRig) -> None:
    rig = live_rig()
    rig.sim.hooks[rig.sim.company.id].subscriptions.clear()
    ended = rig.end_call(recordings=1)
    secret = secret_of(rig, the_hook(rig).secret)
    for number, call_id in enumerate(ended.call_ids):
        body = token({"call_id": call_id, "date_started": (None, "soon")[number % 2]}, secret)
        assert Client().post(f"/hooks/dialpad/{the_hook(rig).path}", body, content_type="text/plain").status_code == 200
    look(rig)
    assert set(Hint.objects.values_list("result", "started_at", "state")) == {("found", None, "")}
    assert "verified" in set(Copy.objects.values_list("state", flat=True))


def test_a_held_source_keeps_its_hints_until_it_is_lifted(live_rig: LiveRig) -> None:
    rig = live_rig()
    rig.end_call()
    wait_for_hints(rig, 3)
    rig.limit_key()
    look(rig)
    assert Hint.objects.filter(due_at__isnull=False).count() == Hint.objects.count()
    rig.new_key()
    rig.pass_time(hours=1)
    look(rig)
    assert set(Copy.objects.values_list("state", flat=True)) <= {"verified", "excluded"}
    assert set(Hint.objects.values_list("result", flat=True)) == {"found"}


def test_w5_a_genuine_event_of_a_year_ago_is_acknowledged_and_changes_nothing(live_rig: LiveRig) -> None:
    rig = live_rig(world=small_world(recordings=6, days=400, long_call_s=0))
    rig.back_up_now()
    oldest = Copy.objects.select_related("recording").order_by("call_started_at")[0]
    started = int(oldest.call_started_at.timestamp() * 1000)
    event = {**EVENT, "call_id": oldest.recording.call_id, "date_started": started, "event_timestamp": started + 60_000}
    body = token(event, secret_of(rig, the_hook(rig).secret))

    def everything() -> object:
        return list(Copy.objects.order_by("pk").values()), rig.objects(), rig.audio_requests(), rig.list_pages()

    before = everything()
    for _ in range(3):
        answer = Client().post(f"/hooks/dialpad/{the_hook(rig).path}", body, content_type="text/plain")
        assert answer.status_code == 200
    look(rig)
    assert everything() == before
    assert [(hint.result, hint.due_at) for hint in Hint.objects.all()] == [("stale", None)]


def test_w11_an_event_of_a_target_without_a_rule_or_unknown_is_kept_and_its_call_is_taken_once_there_is_a_rule(live_rig: LiveRig) -> None:
    rig = live_rig(world=small_world(recordings=4, days=2))
    Target.objects.update(backed_up=False)
    rig.end_call()
    wait_for_hints(rig, 3)
    Target.objects.filter(kind="callcenter").delete()  # as if they were made at Dialpad after the last sync
    rig.end_call()
    wait_for_hints(rig, 6)
    for _ in range(4):
        look(rig)
        rig.advance(seconds=61)
    assert {tuple(delivery.attempts) for delivery in rig.sim.deliveries} == {(200,)}
    assert Hint.objects.filter(due_at=None).count() == 6
    assert not Copy.objects.exists() and len(rig.objects()) == 1, "no more than the marker"

    rig.sync()
    with transaction.atomic():
        services.set_rule(list(Target.objects.all()), True, rig.clock())
    rig.back_up_now()
    rig.check()
    assert Copy.objects.filter(state="verified", call_started_at__gt=rig.clock() - timedelta(hours=1)).count() == 2
