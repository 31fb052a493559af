"""What was given up counts as not backed up until it is verified, and the end of a cause says what did not arrive."""

from datetime import datetime, timedelta

import pytest

from rokuon.domain.work import Work
from rokuon.ledger import bucket_change, exclude, failures, health, record, retry, runs
from rokuon.ledger.health import Rest
from rokuon.ledger.models import Copy
from rokuon.org import services
from tests.ledger.factory import NOW, World, failed, verified

SINCE, UNTIL = NOW - timedelta(days=900), NOW + timedelta(days=900)
HOUR = timedelta(hours=1)


@pytest.fixture
def work(world: World) -> Work:
    (work,) = world.place(world.planned(1))
    record.record([failed(work, "recording_truncated")], NOW)
    return work


def left(world: World) -> dict[str, int]:
    return {row.reason: row.left for row in health.given_up_of(world.company.pk)}


def again(world: World, now: datetime = NOW + HOUR) -> Work:
    (work,) = world.place(world.planned(1), now=now)
    return work


@pytest.mark.parametrize("taker", ["run", "retry"])
def test_what_is_tried_again_is_counted_until_it_is_verified(world: World, work: Work, taker: str) -> None:
    if taker == "run":
        runs.take_up(world.company.pk, [world.center.pk], SINCE, UNTIL, NOW + HOUR)
    else:
        retry.retry(world.company.pk, NOW + HOUR)
    assert Copy.objects.get().state == "pending"
    (row,) = health.given_up_of(world.company.pk)
    assert (row.state, row.reason, row.copies, row.again, row.left) == ("failed", "recording_truncated", 0, 1, 1)
    world.verify(again(world), now=NOW + HOUR)
    assert left(world) == {}
    assert Copy.objects.get().given_up == []


def test_what_fails_for_another_cause_is_counted_there_and_is_the_rest_of_the_first(world: World, work: Work) -> None:
    retry.retry(world.company.pk, NOW + HOUR)
    record.record([failed(again(world), "recording_forbidden")], NOW + HOUR)
    assert left(world) == {"recording_forbidden": 1}
    assert health.rest([world.center.pk], "failed", "recording_truncated", NOW) == Rest(closed=0, excluded=0, elsewhere=1)
    assert health.rest([world.other.pk], "failed", "recording_truncated", NOW) == Rest(0, 0, 0)


def test_a_cancelled_run_leaves_what_had_failed_before_it_as_it_was(world: World, work: Work) -> None:
    world.place(world.planned(2))
    run, _ = runs.open_run(world.company.pk, "company", 0, [world.center.pk], SINCE, UNTIL, NOW + HOUR, relist=False)
    runs.take_up(world.company.pk, [world.center.pk], SINCE, UNTIL, NOW + HOUR)
    assert runs.cancel(run.pk, NOW + 2 * HOUR)
    assert sorted(Copy.objects.values_list("state", "reason")) == [("excluded", "run_cancelled"), ("failed", "recording_truncated")]
    assert left(world) == {"recording_truncated": 1}


def test_a_rule_that_is_switched_off_takes_it_out_and_on_takes_it_in_again(world: World, work: Work) -> None:
    retry.retry(world.company.pk, NOW + HOUR)
    exclude.exclude_pending([world.center.pk], NOW + HOUR)
    assert left(world) == {}
    assert health.rest([world.center.pk], "failed", "recording_truncated", NOW) == Rest(closed=0, excluded=1, elsewhere=0)
    exclude.include_again([world.center.pk], NOW + 2 * HOUR)
    assert left(world) == {"recording_truncated": 1}


def test_it_moves_along_to_another_bucket_and_back(world: World, work: Work) -> None:
    new = services.register_bucket(world.company, "memory://new")
    company = world.company.pk
    bucket_change.follow_bucket(company, {world.center.pk: new.pk}, SINCE, UNTIL, NOW + HOUR)
    assert left(world) == {"recording_truncated": 1}
    record.record([failed(again(world), "recording_forbidden")], NOW + HOUR)
    bucket_change.follow_bucket(company, {world.center.pk: world.bucket.pk}, SINCE, UNTIL, NOW + 2 * HOUR)
    assert left(world) == {"recording_forbidden": 1}
    record.record([verified(again(world, now=NOW + 2 * HOUR))], NOW + 2 * HOUR)
    assert left(world) == {}
    assert health.rest([world.center.pk], "failed", "recording_forbidden", NOW) == Rest(0, 0, 0)


def test_what_was_closed_before_is_no_part_of_the_rest(world: World, work: Work) -> None:
    failures.close([work.copy_id], "known", "ken", NOW + HOUR)
    assert health.rest([world.center.pk], "failed", "recording_truncated", NOW) == Rest(closed=1, excluded=0, elsewhere=0)
    assert health.rest([world.center.pk], "failed", "recording_truncated", NOW + 2 * HOUR) == Rest(0, 0, 0)
