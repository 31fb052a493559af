"""The tally: equal to the count whatever is done, without one writer ever waiting for another."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from importlib import import_module
from itertools import pairwise
from random import Random

import pytest
from django.db import connection, transaction

from rokuon.domain.copies import State
from rokuon.domain.work import Outcome, Work
from rokuon.ledger import bucket_change, record, runs, tally
from rokuon.ledger.models import Copy, Tally
from rokuon.ledger.sql import at, execute
from rokuon.org import services
from rokuon.org.models import Target
from tests.ledger.factory import NOW, START_MS, World, counted, failed, tallied, verified

DAY_MS = 86_400_000


def on_day(world: World, number: int, days: float, target: Target | None = None, hour: int = 3):  # type: ignore[no-untyped-def]
    """A planned copy whose call started so many days after 2026-09-21, at that UTC hour; its folder is dated in Tokyo."""
    target = target or world.center
    started = START_MS // DAY_MS * DAY_MS + int(days * DAY_MS) + hour * 3_600_000
    day = (at(started) + timedelta(hours=9)).date()
    key = f"call-recordings/{target.name}/{day}/Ann - c{number} - r{number}.mp3"
    return world.planned(number, target, started_ms=started, key=key, spare_key=key.replace(".mp3", "-2.mp3"))


def test_a_move_between_buckets_keeps_the_tally_equal_to_the_count(world: World) -> None:
    works = world.place(*(on_day(world, number, number % 3) for number in range(9)))
    record.record([verified(work) if work.copy_id % 2 else failed(work) for work in works], NOW)
    bucket = services.register_bucket(world.company, "memory://second")
    moved = bucket_change.follow_bucket(
        world.company.pk, {world.center.pk: bucket.pk}, NOW - timedelta(days=900), NOW + timedelta(days=1), NOW
    )
    assert moved == 4 or moved == 5
    assert tallied(world.company.pk) == counted(world.company.pk)


def test_what_is_deleted_leaves_the_tally(world: World) -> None:
    world.place(*(on_day(world, number, 0) for number in range(4)))
    Copy.objects.filter(company=world.company).first().delete()  # type: ignore[union-attr]
    assert tallied(world.company.pk) == counted(world.company.pk)
    Copy.objects.filter(company=world.company).delete()
    tally.fold(timedelta(0))
    assert not Tally.objects.exists()


def test_an_update_that_changes_nothing_that_is_counted_leaves_no_row(world: World) -> None:
    (work,) = world.place(on_day(world, 1, 0))
    before = Tally.objects.count()
    record.record([Outcome(work.copy_id, work.attempt, State.PENDING, "", spent=True, due_in_s=60)], NOW)
    assert Tally.objects.count() == before


def test_folding_leaves_one_row_for_each_key_and_the_same_answers(world: World) -> None:
    for number in range(12):
        world.verify(*world.place(on_day(world, number, number % 2)))
    before = tally.counts_by_target(world.company.pk), tallied(world.company.pk)
    assert Tally.objects.count() == 36
    tally.fold()
    assert Tally.objects.count() == 36, "the last minutes stay apart"
    tally.fold(timedelta(0))
    assert Tally.objects.count() == 2
    assert (tally.counts_by_target(world.company.pk), tallied(world.company.pk)) == before


def test_the_migration_fills_the_tally_from_the_copies_that_are_there(world: World) -> None:
    works = world.place(*(on_day(world, number, number % 3) for number in range(9)))
    record.record([verified(work) if work.copy_id % 2 else failed(work) for work in works], NOW)
    Tally.objects.all().delete()
    execute(import_module("rokuon.ledger.migrations.0002_tally").FILL, [])
    assert tallied(world.company.pk) == counted(world.company.pk) != {}


def test_a_rolled_back_change_is_not_tallied(world: World) -> None:
    (work,) = world.place(on_day(world, 1, 0))
    with pytest.raises(RuntimeError), transaction.atomic():
        world.verify(work)
        raise RuntimeError
    assert tally.counts_by_target(world.company.pk)[world.center.pk].verified == 0


def test_any_range_gives_what_counting_gives(world: World) -> None:
    luck = Random(7)
    works = world.place(
        *(on_day(world, n, luck.randrange(40), luck.choice([world.center, world.other]), luck.randrange(24)) for n in range(300))
    )
    record.record([verified(work) if luck.random() < 0.6 else failed(work) for work in works], NOW)
    tally.fold(timedelta(0))
    start = at(START_MS)
    for _ in range(60):
        since, until = sorted(start + timedelta(minutes=luck.randrange(-3000, 62_000)) for _ in range(2))
        for ends in ((since, until), (since, None), (None, until)):
            copies = Copy.objects.filter(company=world.company)
            copies = copies.filter(call_started_at__gte=ends[0]) if ends[0] else copies
            copies = copies.filter(call_started_at__lt=ends[1]) if ends[1] else copies
            found = tally.counts_by_target(world.company.pk, None, *ends)
            assert {target: (c.verified, c.failed, c.bytes) for target, c in found.items()} == {
                target: (
                    (mine := copies.filter(target=target)).filter(state="verified").count(),
                    mine.filter(state="failed").count(),
                    10 * mine.filter(state="verified").count(),
                )
                for target in set(copies.values_list("target_id", flat=True))
            }


def test_many_ranges_at_once_give_what_each_alone_gives(world: World) -> None:
    """Also where they begin and end within a day, lie within one day, or are empty."""
    random = Random(7)
    for number in range(60):
        works = world.place(on_day(world, number, random.uniform(0, 12), random.choice([world.center, world.other])))
        record.record([random.choice([verified, failed])(work) for work in works[:1]], NOW)
    begin, targets = at(START_MS // DAY_MS * DAY_MS), [world.center.pk, world.other.pk]
    ends = sorted(random.uniform(-1, 14) for _ in range(40))
    ranges = [(begin + timedelta(days=first), begin + timedelta(days=last)) for first, last in pairwise(ends)]
    ranges += [(begin, begin + timedelta(days=20)), (begin, begin), (begin - timedelta(days=700), begin)]
    together = tally.counts_in_ranges(world.company.pk, targets, ranges)
    for (since, until), found in zip(ranges, together, strict=True):
        alone = sum(tally.counts_by_target(world.company.pk, targets, since, until).values(), tally.Counts())
        assert replace(alone, bytes=0, recorded_ms=0) == found, (since, until)
    assert sum(one.discovered for one in together) > 60
    assert tally.counts_in_ranges(world.company.pk, targets, []) == []
    assert tally.counts_in_ranges(world.company.pk, [], ranges[:1]) == [tally.Counts()]


def test_a_call_after_midnight_in_tokyo_counts_on_tokyos_day(world: World) -> None:
    world.place(on_day(world, 1, 0, hour=14), on_day(world, 2, 0, hour=16))
    by_day = tally.counts_by_day(world.company.pk, [world.center.pk], date(2026, 9, 1), date(2026, 9, 30))
    assert {day: counts.pending for (_, day), counts in by_day.items()} == {date(2026, 9, 21): 1, date(2026, 9, 22): 1}


def test_counts_stay_within_the_targets_and_the_company_asked_for(world: World) -> None:
    neighbour = World("Neighbour")
    neighbour.place(on_day(neighbour, 1, 0))
    world.place(on_day(world, 1, 0), on_day(world, 2, 0, world.other))
    assert set(tally.counts_by_target(world.company.pk)) == {world.center.pk, world.other.pk}
    assert set(tally.counts_by_target(world.company.pk, [world.other.pk])) == {world.other.pk}
    assert tally.counts_by_target(world.company.pk, [neighbour.center.pk]) == {}
    assert tally.counts_by_target(world.company.pk, [neighbour.center.pk], NOW - timedelta(days=900), NOW) == {}
    assert tally.counts_by_target(world.company.pk, []) == {}
    assert [cause.copies for cause in tally.causes(world.company.pk, [world.other.pk])] == [1]


def test_causes_are_the_reasons_that_are_there_now(world: World) -> None:
    newest, *older = world.place(*(on_day(world, number, number) for number in range(3)))
    record.record([failed(newest, "recording_forbidden"), *map(failed, older)], NOW)
    assert [(c.state, c.reason, c.copies, c.targets, c.first_day, c.last_day) for c in tally.causes(world.company.pk)] == [
        ("failed", "recording_not_audio", 2, 1, date(2026, 9, 21), date(2026, 9, 22)),
        ("failed", "recording_forbidden", 1, 1, date(2026, 9, 23), date(2026, 9, 23)),
    ]
    runs.take_up(world.company.pk, [world.center.pk], NOW - timedelta(days=900), NOW, NOW)
    assert [(c.state, c.reason, c.copies) for c in tally.causes(world.company.pk)] == [("pending", "", 3)]


def test_the_causes_add_up_to_the_counts(world: World) -> None:
    works = world.place(*(on_day(world, number, number % 3, world.other if number % 2 else world.center) for number in range(9)))
    record.record([failed(works[0]), failed(works[1], "recording_forbidden"), *map(verified, works[2:6])], NOW)
    assert tally.total(tally.causes(world.company.pk)) == sum(tally.counts_by_target(world.company.pk).values(), tally.Counts())
    assert tally.pending(world.company.pk) == 3
    assert tally.pending(world.company.pk, []) == 0


def test_the_rate_is_what_was_verified_in_the_last_minute(world: World) -> None:
    works = world.place(*(on_day(world, number, 0) for number in range(30)))
    world.verify(*works[:12])
    record.record([failed(work) for work in works[12:]], NOW)
    pace = tally.verified_recently(world.company.pk)
    assert (pace.copies, pace.bytes, pace.per_second) == (12, 120, 0.2)
    assert tally.verified_recently(world.company.pk, [world.other.pk]).copies == 0
    Tally.objects.update(at=NOW - timedelta(days=400))
    assert tally.verified_recently(world.company.pk).copies == 0


@pytest.mark.django_db(transaction=True)
def test_writers_of_the_same_days_do_not_wait_for_each_other_nor_for_the_fold() -> None:
    world = World()
    halves = [world.place(*(on_day(world, n, n % 5) for n in range(first, first + 40))) for first in (0, 40)]
    both_wrote = threading.Barrier(2, timeout=10)
    errors: list[BaseException] = []

    def write(mine: list[Work], order: int) -> None:
        with transaction.atomic():
            mine = mine[::order]
            record.record([verified(work) for work in mine[:20]], NOW)
            both_wrote.wait()  # each has changed rows of every day, and has not committed
            record.record([failed(work) for work in mine[20:]], NOW)
            tally.fold(timedelta(0))
            both_wrote.wait()

    _side_by_side([lambda: write(halves[0], 1), lambda: write(halves[1], -1)], errors)
    assert errors == []
    assert tallied(world.company.pk) == counted(world.company.pk)


@pytest.mark.django_db(transaction=True)
def test_many_writers_and_folders_leave_an_exact_tally() -> None:
    world = World()
    errors: list[BaseException] = []

    def work(seed: int) -> None:
        luck = Random(seed)
        for step in range(12):
            found = world.place(*(on_day(world, luck.randrange(60), 0) for _ in range(8)))
            world.place(*(on_day(world, seed * 1000 + step * 10 + n, n % 4) for n in range(5)))
            record.record([verified(one) if luck.random() < 0.5 else failed(one) for one in found], NOW)
            if luck.random() < 0.3:
                runs.take_up(world.company.pk, [world.center.pk], NOW - timedelta(days=900), NOW, NOW)
            tally.fold(timedelta(0))

    _side_by_side([lambda seed=seed: work(seed) for seed in range(1, 5)], errors)  # type: ignore[misc]
    assert errors == []
    assert tallied(world.company.pk) == counted(world.company.pk)


def _side_by_side(jobs: list[Callable[[], None]], errors: list[BaseException]) -> None:
    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=guarded, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
