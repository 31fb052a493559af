"""What a person closed stays closed through runs, timers and settings until a person opens it again or the recording arrives."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from rokuon.ledger import bucket_change, exclude, failures, record, retry, runs, transitions
from rokuon.ledger.failures import Which
from rokuon.ledger.models import Closing, Copy
from rokuon.org import services
from tests.ledger.factory import NOW, World, failed, verified

SINCE, UNTIL = NOW - timedelta(days=900), NOW + timedelta(days=900)
HOUR = timedelta(hours=1)


def is_closed() -> bool:
    return failures.closing(Copy.objects.select_related("closing").get()) is not None


@pytest.fixture
def closed(world: World) -> Copy:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    assert failures.close([work.copy_id], "asked for by legal", "ken", NOW + HOUR) == [work.copy_id]
    return Copy.objects.get()


def test_no_run_takes_up_what_is_closed(world: World, closed: Copy) -> None:
    for night in range(1, 4):
        now = NOW + timedelta(days=night)
        assert runs.take_up(world.company.pk, [world.center.pk], SINCE, UNTIL, now) == 0
        assert (Copy.objects.get().state, is_closed()) == ("failed", True)


def test_a_changed_bucket_leaves_it_where_it_is(world: World, closed: Copy) -> None:
    new = services.register_bucket(world.company, "memory://new")
    assert bucket_change.follow_bucket(world.company.pk, {world.center.pk: new.pk}, SINCE, UNTIL, NOW + 2 * HOUR) == 0
    assert (Copy.objects.get().state, is_closed()) == ("failed", True)


def test_a_rule_switched_off_and_on_and_a_listing_leave_it(world: World, closed: Copy) -> None:
    exclude.exclude_pending([world.center.pk], NOW + 2 * HOUR)
    exclude.include_again([world.center.pk], NOW + 3 * HOUR)
    assert world.place(world.planned(1), now=NOW + 4 * HOUR) == []
    assert (Copy.objects.get().state, is_closed()) == ("failed", True)


def test_retrying_the_cause_passes_it_by_and_naming_it_opens_it_again(world: World, closed: Copy) -> None:
    assert retry.retry(world.company.pk, NOW + 2 * HOUR) == []
    assert retry.retry(world.company.pk, NOW + 2 * HOUR, ids=[closed.pk]) == []
    assert is_closed()
    assert retry.retry(world.company.pk, NOW + 2 * HOUR, ids=[closed.pk], closed=True) == [closed.pk]
    assert not Closing.objects.exists()


def test_a_recording_that_arrives_all_the_same_is_verified_and_no_longer_closed(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    failures.close([work.copy_id], "known", "ken", NOW + HOUR)
    assert record.record([verified(work)], NOW + 2 * HOUR) == {work.copy_id}
    assert not is_closed()


def test_reopened_by_name_by_cause_and_only_within_the_targets(world: World, closed: Copy) -> None:
    company = world.company.pk
    assert failures.reopen(company, [world.other.pk], Which(ids=[closed.pk])) == []
    assert failures.reopen(company, None, Which(reason="recording_truncated")) == []
    assert is_closed()
    assert failures.reopen(company, [world.center.pk], Which(state="failed", reason="recording_not_audio")) == [closed.pk]
    assert not is_closed()
    assert failures.reopen(company, None, Which(ids=[closed.pk])) == []
    assert runs.take_up(company, [world.center.pk], SINCE, UNTIL, NOW + 2 * HOUR) == 1


def test_a_closing_counts_although_the_clock_of_who_closes_is_behind(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    failures.close([work.copy_id], "known", "ken", NOW - timedelta(minutes=3))
    assert is_closed()


@pytest.mark.parametrize("taker", ["run", "retry"])
@pytest.mark.django_db(transaction=True)
def test_a_closing_made_at_the_same_moment_is_not_lost(taker: str) -> None:
    """The closing is committed while the other waits for the row: it must be seen all the same."""
    world = World()
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    waits = threading.Event()
    taken: list[object] = []

    def take() -> None:
        try:
            waits.set()
            if taker == "run":
                taken.append(runs.take_up(world.company.pk, [world.center.pk], SINCE, UNTIL, NOW + HOUR))
            else:
                taken.append(len(retry.retry(world.company.pk, NOW + HOUR)))
        finally:
            connection.close()

    other = threading.Thread(target=take)
    with transaction.atomic():
        assert failures.close([work.copy_id], "known", "ken", NOW + HOUR) == [work.copy_id]
        other.start()
        waits.wait(10)
        _until_somebody_waits_for_a_lock()
    other.join(20)
    assert taken == [0]
    assert (Copy.objects.get().state, is_closed()) == ("failed", True)


def _until_somebody_waits_for_a_lock() -> None:
    for _ in range(1000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            cursor.execute("SELECT pg_sleep(0.01)")
    raise AssertionError("nobody came to wait")


def test_who_retries_first_leaves_nothing_to_close(world: World) -> None:
    (work,) = world.place(world.planned(1))
    record.record([failed(work)], NOW)
    assert transitions.locked("c.id = %(id)s", {"id": work.copy_id}) == [work.copy_id]
    assert retry.retry(world.company.pk, NOW) == [work.copy_id]
    assert failures.close([work.copy_id], "known", "ken", NOW) == []
