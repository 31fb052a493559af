"""A recording of a contact center and a coaching team: one fetch serves both copies, and each ends for itself."""

import hashlib
from dataclasses import replace

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rokuon.domain.copies import State
from rokuon.domain.failures import BucketForbidden, HoldOn, ObjectOccupied, RecordingGone, RokuonError, StoreUnavailable
from rokuon.domain.ports import Body
from rokuon.domain.retry import AWAY_AFTER_TRIES
from rokuon.domain.work import AsideObject, Work, by_fetch
from tests.audio import mp3
from tests.backup.scripted import NOW_MS, Bench, Clip, work


def center_and_team(number: int = 1, *, bucket: int = 1, **history: int) -> tuple[Work, Work]:
    center = work(number, **history)
    key = center.key.replace("Sales", "Trainees")
    return center, replace(center, copy_id=1000 + number, target_id=2, bucket_id=bucket, key=key)


async def test_one_fetch_serves_both_copies(bench: Bench) -> None:
    center, team = center_and_team()
    await bench.pool_tries(center, team)
    assert bench.source.opened["r1"] == 1
    assert bench.ledger.states() == {"verified": 2}
    assert await bench.store.content(center.key) == await bench.store.content(team.key) == mp3(1)


async def test_copies_in_two_buckets_are_served_by_one_fetch(bench: Bench) -> None:
    center, team = center_and_team(bucket=2)
    await bench.pool_tries(center, team)
    assert bench.source.opened["r1"] == 1
    assert await bench.stores[2].content(team.key) == mp3(1)
    assert await bench.store.keys() == [center.key]


async def test_a_store_that_fails_for_one_copy_costs_the_other_nothing(bench: Bench) -> None:
    center, team = center_and_team()
    await bench.store.put(center.key, _body(b"someone else's"), content_type="audio/mpeg", metadata={})
    await bench.pool_tries(center, team)
    assert (bench.ledger.outcome(center.copy_id).state, bench.ledger.outcome(center.copy_id).reason) == (
        State.FAILED,
        ObjectOccupied.reason,
    )
    assert bench.ledger.outcome(team.copy_id).state is State.VERIFIED


@pytest.mark.parametrize("error", [BucketForbidden(), StoreUnavailable()])
async def test_a_bucket_that_cannot_be_opened_stops_its_own_copy_alone(bench: Bench, error: RokuonError) -> None:
    center, team = center_and_team(bucket=2)
    bench.closed[1] = error
    await bench.pool_tries(center, team)
    assert bench.ledger.outcome(center.copy_id).state is State.PENDING
    assert bench.ledger.outcome(team.copy_id).state is State.VERIFIED
    assert bench.source.opened["r1"] == 1


async def test_a_held_bucket_keeps_its_copy_waiting_and_the_other_is_fetched(bench: Bench) -> None:
    center, team = center_and_team(bucket=2)
    bench.ledger.open_holds = {(HoldOn.BUCKET, "1"): BucketForbidden()}
    await bench.pool_tries(center, team)
    waits = bench.ledger.outcome(center.copy_id)
    assert (waits.state, waits.reason, waits.spent) == (State.PENDING, BucketForbidden.reason, False)
    assert bench.ledger.outcome(team.copy_id).state is State.VERIFIED


async def test_what_the_source_says_is_said_of_both(bench: Bench) -> None:
    bench.source.script(1, Clip(error=RecordingGone()))
    await bench.pool_tries(*center_and_team())
    assert bench.source.opened["r1"] == 1
    assert bench.ledger.states() == {"gone": 2}


async def test_each_copy_spends_a_try_of_its_own(bench: Bench) -> None:
    bench.source.script(1, Clip(b"<html>login</html>"))
    center, team = center_and_team(tries=AWAY_AFTER_TRIES)
    fresh = replace(team, attempt=0, history=work().history)
    await bench.pool_tries(center, fresh)
    first, second = bench.ledger.outcome(center.copy_id), bench.ledger.outcome(fresh.copy_id)
    assert (first.spent, second.spent) == (True, True)
    assert first.due_in_s > second.due_in_s


def _body(data: bytes) -> Body:
    return Body(len(data), hashlib.sha256(data).hexdigest(), google_crc32c.value(data), data=data)


_RECORDINGS = st.lists(st.tuples(st.integers(1, 4), st.booleans(), st.sampled_from(["", "a", "b"])), max_size=12)


@given(_RECORDINGS)
def test_every_copy_is_in_one_group_and_a_group_is_of_one_recording_in_the_order_of_its_first(rows: list[tuple[int, bool, str]]) -> None:
    aside = AsideObject("k", 1, "s", 1, "audio/wav", "WAV")
    works = []
    for copy_id, (number, accepted, read) in enumerate(rows):
        one = work(number)
        history = replace(one.history, read_sha256=read, read_ms=NOW_MS if read else None)
        works.append(replace(one, copy_id=copy_id, history=history, accepted=aside if accepted else None))
    groups = by_fetch(works)
    assert sorted(one.copy_id for group in groups for one in group) == list(range(len(rows)))
    assert [group[0].copy_id for group in groups] == sorted(group[0].copy_id for group in groups)
    for group in groups:
        assert len({(one.recording_id, one.history.read_sha256) for one in group}) == 1
        assert len(group) == 1 or not any(one.accepted for one in group)
    assert len(groups) == len({(number, read) for number, accepted, read in rows if not accepted}) + sum(one[1] for one in rows)
