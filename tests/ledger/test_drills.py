"""A drill draws from the verified copies of one bucket, keeps what was read, and ends once everything is read."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from rokuon.domain import sampling
from rokuon.ledger import drills
from rokuon.ledger.drill_models import DrawnRecording, Drill
from rokuon.ledger.drills import Lot, ReadResult
from rokuon.ledger.models import Copy
from rokuon.org import services
from tests.ledger.factory import NOW, World

LOT = Lot("seal of 4 March", 950_000, 100_000)
LATER = NOW + timedelta(minutes=1)


def filled(world: World, number: int = 60) -> list[str]:
    """So many verified copies; the second half has names in Japanese. Returns their keys."""
    planned = [
        world.planned(n, agent="Ann" if n < number / 2 else "山田", key=f"call-recordings/東京/2026-09-21/{n}.mp3") for n in range(number)
    ]
    world.verify(*world.place(*planned))
    return [one.key for one in planned]


def begun(world: World, lot: Lot = LOT) -> Drill:
    return drills.begin(world.company.pk, world.bucket.pk, lot, "Ann", LATER)


def drawn(drill: Drill) -> list[str]:
    return list(DrawnRecording.objects.filter(drill=drill).order_by("place").values_list("copy__key", flat=True))


def test_the_database_draws_what_the_rule_says(world: World) -> None:
    keys = filled(world)
    looked = drills.look(world.company.pk, world.bucket.pk, LOT, LATER)
    drill = begun(world)
    assert (drill.population, drill.drawn, drill.bytes) == (60, 23, 230) == (looked.population, looked.drawn, looked.bytes)
    assert drawn(drill) == sampling.draw(LOT.seed, keys, 23)


def test_looking_changes_nothing(world: World) -> None:
    filled(world)
    drills.look(world.company.pk, world.bucket.pk, LOT, LATER)
    assert not Drill.objects.exists()


def test_only_verified_copies_of_the_bucket_are_drawn(world: World) -> None:
    other = services.register_bucket(world.company, "memory://other")
    filled(world, 10)
    world.place(world.planned(100))
    world.verify(*world.place(world.planned(101, bucket_id=other.pk)))
    Copy.objects.filter(recording__recording_id="r1").update(state="failed", reason="object_missing")
    drill = begun(world, Lot("s", 990_000, 1_000))
    assert (drill.population, drill.drawn) == (9, 9)
    assert {"call-recordings/東京/2026-09-21/1.mp3", world.planned(100).key, world.planned(101).key}.isdisjoint(drawn(drill))


def test_what_is_verified_later_is_not_drawn(world: World) -> None:
    filled(world, 5)
    world.verify(*world.place(world.planned(50)), now=LATER + timedelta(seconds=1))
    assert begun(world).population == 5


def test_an_accepted_copy_is_not_looked_at_as_audio(world: World) -> None:
    filled(world, 2)
    Copy.objects.filter(recording__recording_id="r0").update(proof="accepted")
    begun(world, Lot("s", 999_999, 1))
    assert sorted((one.audio_ms for one in drills.next_unread(Drill.objects.get().pk, 9)), key=str) == [1000, None]


def test_a_bucket_without_recordings_has_nothing_to_draw(world: World) -> None:
    assert begun(world).drawn == 0


def test_a_reading_counts_once(world: World) -> None:
    filled(world)
    drill = begun(world)
    first, second, *_ = drills.next_unread(drill.pk, 5)
    drills.record(drill.pk, [ReadResult(first.place, "whole"), ReadResult(second.place, "object_missing", "gone", again=True)])
    drills.record(drill.pk, [ReadResult(first.place, "object_differs"), ReadResult(second.place, "whole")])
    drill.refresh_from_db()
    assert (drill.read, drill.bad, drill.read_again) == (2, 1, 1)
    assert [one.place for one in drills.next_unread(drill.pk, 3)] == [3, 4, 5]
    assert [(one.copy.key, one.result, one.detail) for one in drills.bad_ones(drill.pk, 9)] == [(second.key, "object_missing", "gone")]
    assert drills.bad_ones(drill.pk, 9, [world.other.pk]) == [], "of a target out of reach"
    assert drills.bytes_left(drill.pk) == 210


def test_a_drill_ends_once_everything_is_read_and_states_its_bound(world: World) -> None:
    filled(world)
    drill = begun(world)
    assert drills.finish(drill.pk, LATER) is None, "nothing is read yet"
    due = drills.next_unread(drill.pk, 99)
    drills.record(drill.pk, [ReadResult(one.place, "whole" if one.place > 1 else "object_differs") for one in due])
    ended = drills.finish(drill.pk, LATER)
    assert ended is not None
    assert (ended.state, ended.read, ended.bad, ended.ended_at) == ("finished", 23, 1, LATER)
    assert ended.upper == sampling.most_damaged(1, 23, 60, sampling.Fraction(95, 100)) == 9
    assert drills.finish(drill.pk, LATER) is None, "it has ended"


def test_a_stop_is_kept_until_something_is_read(world: World) -> None:
    filled(world)
    drill = begun(world)
    drills.stop(drill.pk, "store_unavailable")
    drill.refresh_from_db()
    assert (drill.stopped, drill.state) == ("store_unavailable", "open")
    drills.record(drill.pk, [ReadResult(1, "whole")])
    drill.refresh_from_db()
    assert drill.stopped == ""


def test_a_bucket_has_one_open_drill_and_one_that_is_left_makes_room(world: World) -> None:
    filled(world)
    drill = begun(world)
    with pytest.raises(IntegrityError), transaction.atomic():
        begun(world)
    assert drills.unfinished(world.bucket.pk) == drill
    assert drills.leave(drill.pk, LATER)
    assert not drills.leave(drill.pk, LATER)
    second = begun(world)
    assert [one.pk for one in drills.of_bucket(world.bucket.pk, 9)] == [second.pk, drill.pk]


def test_a_drill_that_has_ended_takes_no_readings(world: World) -> None:
    filled(world)
    drill = begun(world)
    drills.leave(drill.pk, LATER)
    drills.record(drill.pk, [ReadResult(1, "object_missing")])
    drill.refresh_from_db()
    assert (drill.read, drill.bad) == (0, 0)
    assert drills.next_unread(drill.pk, 9) == [], "or its reader would read the same ones for ever"
    assert drills.bad_ones(drill.pk, 9) == []


def test_the_last_drill_is_the_one_begun_last_also_if_the_clock_was_set_back(world: World) -> None:
    filled(world)
    ends = [LATER + timedelta(days=30), LATER]
    for end in ends:
        drill = begun(world)
        drills.record(drill.pk, [ReadResult(place, "whole") for place in range(1, drill.drawn + 1)])
        assert drills.finish(drill.pk, end) is not None
    last = drills.last_finished(world.bucket.pk)
    assert last is not None and last.pk == drill.pk
