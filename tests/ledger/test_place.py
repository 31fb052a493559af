"""What was listed is entered once, and a key once given never changes (ARCHITECTURE.md)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from rokuon.domain.work import PlannedCall, Work
from rokuon.ledger import place, record
from rokuon.ledger.models import Call, Copy, Recording
from tests.ledger.factory import NOW, START_MS, World, failed, states


def test_a_placed_copy_is_pending_due_and_carries_its_key(world: World) -> None:
    (work,) = world.place(world.planned(1))
    assert work.key == world.planned(1).key
    assert (work.attempt, work.started_ms, work.duration_ms) == (0, START_MS + 1, 1000)
    assert states() == {"pending": 1}


def test_placing_twice_makes_one_copy_and_answers_the_same_work(world: World) -> None:
    assert world.place(world.planned(1)) == world.place(world.planned(1))
    assert Copy.objects.count() == Recording.objects.count() == Call.objects.count() == 1


def test_the_key_stays_when_the_agent_was_renamed_meanwhile(world: World) -> None:
    world.place(world.planned(1))
    renamed = replace(world.planned(1), agent="Anna", key="call-recordings/Sales/2026-09-21/Anna - c1 - r1.mp3")
    (work,) = world.place(renamed)
    assert work.key == world.planned(1).key


def test_a_verified_copy_is_not_handed_out_again(world: World) -> None:
    world.verify(*world.place(world.planned(1)))
    assert world.place(world.planned(1)) == []


def test_a_copy_that_is_due_later_is_not_handed_out_now(world: World) -> None:
    (work,) = world.place(world.planned(1))
    Copy.objects.filter(pk=work.copy_id).update(due_at=NOW + timedelta(seconds=1))
    assert world.place(world.planned(1)) == []
    assert world.place(world.planned(1), now=NOW + timedelta(seconds=1)) == [work]


def test_one_recording_for_two_targets_is_two_copies_in_two_folders(world: World) -> None:
    works = world.place(world.planned(1), world.planned(1, world.other))
    assert len({work.key for work in works}) == 2
    assert Recording.objects.count() == 1


def test_a_recording_seen_under_a_second_call_keeps_the_first_call_id(world: World) -> None:
    world.place(world.planned(1))
    (work,) = world.place(replace(world.planned(1), call_id="c99"))
    assert work.call_id == "c1"


def test_two_kinds_with_one_id_get_two_keys_and_neither_is_dropped(world: World) -> None:
    voicemail = replace(world.planned(1), kind="voicemail", spare_key="call-recordings/Sales/2026-09-21/Ann - c1 - r1 (voicemail).mp3")
    works = world.place(world.planned(1), voicemail)
    assert sorted(work.key for work in works) == sorted([world.planned(1).key, voicemail.spare_key])


def test_a_copy_stays_in_its_bucket_when_another_is_chosen_later(world: World) -> None:
    (before,) = world.place(world.planned(1))
    elsewhere = World("Other").bucket
    (after,) = world.place(replace(world.planned(1), bucket_id=elsewhere.pk))
    assert after.bucket_id == before.bucket_id


def test_a_newer_url_and_a_later_duration_are_taken_over(world: World) -> None:
    world.place(replace(world.planned(1), duration_ms=None))
    (work,) = world.place(replace(world.planned(1), url="https://dialpad.example/r/r1?new", duration_ms=2000))
    assert (work.url, work.duration_ms) == ("https://dialpad.example/r/r1?new", 2000)


def test_a_call_gains_recordings_and_never_loses_them(world: World) -> None:
    for recordings in (0, 2, 1):
        place.place(world.company.pk, [PlannedCall(world.center.pk, "c1", START_MS, True, recordings)], [], NOW)
    assert Call.objects.get().recordings == 2


def test_an_excluded_kind_is_counted_and_comes_back_when_it_is_chosen(world: World) -> None:
    assert world.place(replace(world.planned(1), excluded="kind_not_chosen")) == []
    assert states() == {"excluded": 1}
    (work,) = world.place(world.planned(1))
    assert work.attempt == 1
    assert states() == {"pending": 1}


def test_a_failed_copy_is_not_handed_out_by_a_listing(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    assert world.place(world.planned(1)) == []


def test_the_left_over_of_a_window_is_read_in_pages_by_id(world: World) -> None:
    placed = world.place(*[world.planned(number) for number in range(7)])
    found: list[Work] = []
    beyond = None
    while batch := place.due_in_range(world.company.pk, [world.center.pk], NOW - timedelta(days=365), NOW, NOW, beyond=beyond, limit=3):
        assert len(batch) <= 3
        found += batch
        beyond = batch[-1]
    assert sorted(work.copy_id for work in found) == sorted(work.copy_id for work in placed)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "verified"},
        {"state": "failed"},
        {"state": "gone", "reason": ""},
        {"state": "dancing"},
        {"state": "pending", "due_at": None},
    ],
)
def test_the_database_refuses_a_state_that_cannot_be(world: World, change: dict[str, object]) -> None:
    (work,) = world.place(world.planned(1))
    with pytest.raises(IntegrityError), transaction.atomic():
        Copy.objects.filter(pk=work.copy_id).update(**change)


def test_the_database_refuses_one_key_for_two_copies(world: World) -> None:
    first, second = world.place(world.planned(1), world.planned(2))
    with pytest.raises(IntegrityError), transaction.atomic():
        Copy.objects.filter(pk=second.copy_id).update(key=first.key)
