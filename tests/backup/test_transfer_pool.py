"""Many copies at once: what is decided about each, which holds are opened and respected, and how wide they are."""

import asyncio

import pytest

from rokuon.domain.copies import State
from rokuon.domain.failures import (
    BucketBilling,
    BucketCredentialRefused,
    BucketForbidden,
    BucketFull,
    BucketMissing,
    BucketUnusable,
    HoldOn,
    RecordingGone,
    RecordingNotAudio,
    RokuonError,
    SourceKeyRefused,
    SourceKindDenied,
    SourceScopeMissing,
    SourceThrottled,
    SourceTlsInvalid,
    SourceUnavailable,
    StoreRequestRefused,
    StoreUnavailable,
)
from rokuon.domain.recording import RecordingKind
from rokuon.domain.retry import AFTER_ERROR_S, AWAY_AFTER_TRIES, BUCKET_AWAY_AFTER, NOT_READY_FOR_MS
from tests.backup.scripted import NOT_READY, NOW_MS, Bench, Clip, work

HTML = Clip(b"<html>login</html>")


async def test_everything_offered_gets_one_outcome(bench: Bench) -> None:
    bench.source.script(2, HTML)
    bench.source.script(3, Clip(error=RecordingGone()))
    await bench.pool_tries(*[work(number) for number in range(1, 8)])
    assert bench.ledger.states() == {"verified": 5, "pending": 1, "gone": 1}
    assert bench.ledger.outcome(2).reason == "recording_not_audio"
    assert bench.ledger.outcome(3).reason == "recording_gone"


async def test_a_copy_offered_twice_is_tried_once(bench: Bench) -> None:
    one = work()
    await bench.pool_tries(one, one, one)
    assert bench.source.opened["r1"] == 1


async def test_not_more_than_the_set_number_are_under_way(bench: Bench) -> None:
    bench.limits = type(bench.limits)(bench.limits.spool, transfers=4)
    await bench.pool_tries(*[work(number) for number in range(1, 40)])
    assert bench.source.most_open == 4


@pytest.mark.parametrize("attempts", range(len(AFTER_ERROR_S)))
async def test_each_spent_try_waits_longer_and_says_why(bench: Bench, attempts: int) -> None:
    bench.source.script(1, HTML)
    await bench.pool_tries(work(tries=attempts))
    outcome = bench.ledger.outcome(1)
    assert (outcome.state, outcome.spent, outcome.due_in_s) == (State.PENDING, True, AFTER_ERROR_S[attempts])
    assert outcome.reason == RecordingNotAudio.reason


async def test_after_the_last_try_the_copy_has_failed_with_its_reason(bench: Bench) -> None:
    bench.source.script(1, HTML)
    await bench.pool_tries(work(tries=len(AFTER_ERROR_S)))
    assert (bench.ledger.outcome(1).state, bench.ledger.outcome(1).reason) == (State.FAILED, "recording_not_audio")


async def test_s4_a_404_waits_as_not_ready_and_counts_as_a_negative(bench: Bench) -> None:
    bench.source.script(1, NOT_READY)
    await bench.pool_tries(work())
    outcome = bench.ledger.outcome(1)
    assert (outcome.state, outcome.reason, outcome.negative, outcome.due_in_s) == (State.PENDING, "recording_not_ready", True, 60)


async def test_s5_after_a_day_of_404s_a_recording_that_is_not_listed_any_more_is_gone(bench: Bench) -> None:
    bench.source.script(1, NOT_READY)
    await bench.pool_tries(work(tries=9, negatives=9, first_negative_ms=NOW_MS - NOT_READY_FOR_MS))
    assert (bench.ledger.outcome(1).state, bench.ledger.outcome(1).reason) == (State.GONE, "recording_gone")


async def test_s5_one_that_is_still_listed_has_failed_and_is_not_gone(bench: Bench) -> None:
    bench.source.script(1, NOT_READY)
    await bench.pool_tries(work(tries=9, negatives=9, first_negative_ms=NOW_MS - NOT_READY_FOR_MS, still_listed=True))
    assert bench.ledger.outcome(1).state is State.FAILED


async def test_a_throttled_copy_waits_as_long_as_it_was_told_and_spends_nothing(bench: Bench) -> None:
    bench.source.script(1, Clip(error=SourceThrottled("", retry_after=77)))
    await bench.pool_tries(work())
    outcome = bench.ledger.outcome(1)
    assert (outcome.state, outcome.spent, outcome.due_in_s) == (State.PENDING, False, 77)


# --- holds ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [SourceKeyRefused(), SourceScopeMissing(), SourceTlsInvalid()])
async def test_s1_s2_s33_a_cause_of_the_whole_source_stops_everything_and_spends_nothing(bench: Bench, error: RokuonError) -> None:
    bench.limits = type(bench.limits)(bench.limits.spool, transfers=2)
    for number in range(1, 20):
        bench.source.script(number, Clip(error=error))
    bench.source.pages_of = lambda scope, wanted: [error]
    pool = await bench.pool_tries(*[work(number) for number in range(1, 20)])
    assert pool.stopped_by is error
    assert bench.ledger.opened == [(HoldOn.SOURCE, "", error.reason)]
    assert bench.ledger.states() == {"pending": 19}
    assert not any(bench.ledger.outcome(number).spent for number in range(1, 20))
    assert sum(bench.source.opened.values()) <= 4


@pytest.mark.parametrize(
    "error", [BucketForbidden(), BucketMissing(), BucketFull(), BucketBilling(), BucketCredentialRefused(), BucketUnusable()]
)
async def test_d1_d3_d18_d19_d23_a_bucket_that_fails_is_held_and_the_other_goes_on(bench: Bench, error: RokuonError) -> None:
    bench.limits = type(bench.limits)(bench.limits.spool, transfers=2)
    bench.store.put_errors = [error] * 50
    works = [work(number, bucket=1 + number % 2) for number in range(1, 21)]
    pool = await bench.pool_tries(*works)
    assert pool.stopped_by is None
    (held_bucket,) = {ref for _, ref, _ in bench.ledger.opened}
    assert bench.ledger.opened == [(HoldOn.BUCKET, "1", error.reason)]
    assert held_bucket == "1"
    assert bench.ledger.states() == {"pending": 10, "verified": 10}
    assert not any(bench.ledger.outcome(one.copy_id).spent for one in works)
    assert bench.store.puts <= 3


async def test_a_bucket_whose_address_is_not_usable_here_is_held_before_any_byte_is_fetched(bench: Bench) -> None:
    bench.closed[1] = BucketUnusable()
    await bench.pool_tries(work())
    assert bench.ledger.opened == [(HoldOn.BUCKET, "1", "bucket_unusable")]
    assert sum(bench.source.opened.values()) == 0


async def test_s17_a_login_page_for_every_recording_of_one_kind_holds_that_kind_only(bench: Bench) -> None:
    bench.limits = type(bench.limits)(bench.limits.spool, transfers=1)
    works = [work(number, kind=RecordingKind.ADMIN if number % 2 else RecordingKind.CALL) for number in range(1, 21)]
    for one in works:
        if one.kind is RecordingKind.ADMIN:
            bench.source.script(one.copy_id, Clip(error=SourceKindDenied()))
    pool = await bench.pool_tries(*works)
    assert pool.stopped_by is None
    assert bench.ledger.opened == [(HoldOn.KIND, "admincallrecording", "source_kind_denied")]
    assert bench.ledger.states() == {"verified": 10, "pending": 10}
    assert not any(bench.ledger.outcome(one.copy_id).spent for one in works)
    assert sum(bench.source.opened[one.recording_id] for one in works if one.kind is RecordingKind.ADMIN) == 3


async def test_s17_one_bad_recording_does_not_hold_its_kind(bench: Bench) -> None:
    bench.source.script(5, Clip(error=SourceKindDenied()))
    await bench.pool_tries(*[work(number) for number in range(1, 21)])
    assert bench.ledger.opened == []
    assert bench.ledger.states() == {"verified": 19, "pending": 1}


async def test_s17_three_bad_recordings_do_not_hold_a_kind_that_arrived_yesterday(bench: Bench) -> None:
    bench.ledger.arrived.add(RecordingKind.CALL)
    for number in range(1, 6):
        bench.source.script(number, Clip(error=SourceKindDenied()))
    await bench.pool_tries(*[work(number) for number in range(1, 6)])
    assert bench.ledger.opened == []
    assert all(bench.ledger.outcome(number).spent for number in range(1, 6)), "each is its own failure"


async def test_s3_a_single_recording_behind_a_login_fails_in_the_end_while_others_of_its_kind_arrive(bench: Bench) -> None:
    """Also where a job has nothing but that one recording to try: else it would be asked for every minute, for ever."""
    bench.ledger.arrived.add(RecordingKind.CALL)
    bench.source.script(9, Clip(error=SourceKindDenied()))
    await bench.pool_tries(work(9, tries=len(AFTER_ERROR_S)))
    assert (bench.ledger.outcome(9).state, bench.ledger.opened) == (State.FAILED, [])


async def test_an_open_hold_is_respected_from_the_start(bench: Bench) -> None:
    bench.ledger.open_holds[HoldOn.BUCKET, "1"] = BucketMissing()
    await bench.pool_tries(work(1, bucket=1), work(2, bucket=2))
    assert bench.ledger.states() == {"pending": 1, "verified": 1}
    assert bench.ledger.outcome(1).reason == "bucket_missing"
    assert bench.source.opened["r1"] == 0
    assert bench.ledger.opened == []


async def test_a_source_that_is_held_already_is_not_asked_at_all(bench: Bench) -> None:
    bench.ledger.open_holds[HoldOn.SOURCE, ""] = SourceKeyRefused()
    pool = await bench.pool_tries(work(1), work(2))
    assert pool.stopped_by is not None
    assert sum(bench.source.opened.values()) == 0


async def test_an_outage_fails_nothing_for_good(bench: Bench) -> None:
    for number in range(1, 30):
        bench.source.script(number, Clip(error=SourceUnavailable()))
    await bench.pool_tries(*[work(number) for number in range(1, 30)])
    assert bench.ledger.states() == {"pending": 29}


async def test_a_ledger_that_cannot_be_written_stops_the_crew_and_leaves_the_copies_pending(bench: Bench) -> None:
    bench.ledger.record_errors = [RuntimeError("away")] * 100
    with pytest.raises((RuntimeError, ExceptionGroup)):
        await asyncio.wait_for(bench.pool_tries(*[work(number) for number in range(1, 300)]), 20)
    assert bench.ledger.states() == {"pending": 299}


# --- a bucket that stays away -----------------------------------------------------------------------------------------------


def away(bench: Bench, bucket: int = 1, *, reads: bool = False) -> None:
    """The bucket takes nothing; without `reads` it answers nothing at all."""
    store = bench.stores[bucket]
    store.put_errors = [StoreUnavailable("503")] * 1000
    if not reads:
        store.stat_errors = [StoreUnavailable("503")] * 1000
        store.list_error = StoreUnavailable("503")


@pytest.mark.parametrize("reads", [False, True], ids=["nothing answers", "only writes fail"])
async def test_d24_a_bucket_that_stays_away_is_held_after_a_few_failures_in_a_row(bench: Bench, reads: bool) -> None:
    bench.limits = type(bench.limits)(bench.limits.spool, transfers=2)
    away(bench, reads=reads)
    works = [work(number) for number in range(1, 31)]
    await bench.pool_tries(*works)
    assert bench.ledger.opened == [(HoldOn.BUCKET, "1", "bucket_away")]
    assert bench.ledger.states() == {"pending": 30}
    assert sum(bench.ledger.outcome(one.copy_id).spent for one in works) < BUCKET_AWAY_AFTER
    assert sum(bench.source.opened.values()) <= BUCKET_AWAY_AFTER + 2, "audio is not fetched for nothing"
    assert bench.ledger.outcome(30).reason == "bucket_away"


async def test_d24_the_other_bucket_goes_on(bench: Bench) -> None:
    away(bench)
    works = [work(number, bucket=1 + number % 2) for number in range(1, 41)]
    await bench.pool_tries(*works)
    assert bench.ledger.states() == {"pending": 20, "verified": 20}
    assert bench.ledger.opened == [(HoldOn.BUCKET, "1", "bucket_away")]


async def test_d24_a_bucket_in_doubt_is_asked_before_anything_is_fetched(bench: Bench) -> None:
    bench.limits = type(bench.limits)(bench.limits.spool, transfers=1)
    away(bench)
    await bench.pool_tries(*[work(number) for number in range(1, 10)])
    assert sum(bench.source.opened.values()) == 1


async def test_d24_failures_with_a_success_between_them_hold_nothing(bench: Bench) -> None:
    bench.limits = type(bench.limits)(bench.limits.spool, transfers=1)
    failing = [StoreUnavailable("503")] * 3
    bench.store.put_errors = [*failing, *failing, None, *failing, *failing, None, *failing]
    await bench.pool_tries(*[work(number) for number in range(1, 8)])
    assert bench.ledger.opened == []
    assert bench.ledger.states() == {"pending": 5, "verified": 2}


async def test_d24_one_copy_that_fails_alone_spends_its_tries(bench: Bench) -> None:
    """The list answers, and no other copy has trouble: it is that object's own."""
    bench.store.put_errors = [StoreUnavailable("503")] * 3
    await bench.pool_tries(work(1, tries=AWAY_AFTER_TRIES))
    assert bench.ledger.opened == []
    assert bench.ledger.outcome(1).spent


async def test_d24_the_only_copy_of_a_bucket_that_does_not_answer_keeps_its_tries(bench: Bench) -> None:
    away(bench)
    await bench.pool_tries(work(1, tries=AWAY_AFTER_TRIES))
    assert bench.ledger.opened == [(HoldOn.BUCKET, "1", "bucket_away")]
    assert not bench.ledger.outcome(1).spent


async def test_d24_what_other_jobs_saw_counts(bench: Bench) -> None:
    """A live call is one copy in a job of its own."""
    bench.ledger.failing.add(1)
    bench.store.put_errors = [StoreUnavailable("503")] * 3
    await bench.pool_tries(work(1))
    assert bench.ledger.opened == [(HoldOn.BUCKET, "1", "bucket_away")]
    assert not bench.ledger.outcome(1).spent


def refuses(bench: Bench) -> None:
    bench.store.put_errors = [StoreRequestRefused("400 kmsKeyUnusable")] * 1000


async def test_a_bucket_that_refuses_every_write_is_held_and_does_not_fail_copy_after_copy(bench: Bench) -> None:
    bench.limits = type(bench.limits)(bench.limits.spool, transfers=1)
    refuses(bench)
    await bench.pool_tries(*[work(number) for number in range(1, 31)])
    assert bench.ledger.opened == [(HoldOn.BUCKET, "1", "bucket_refuses")]
    assert bench.ledger.states() == {"failed": BUCKET_AWAY_AFTER - 1, "pending": 31 - BUCKET_AWAY_AFTER}
    assert (bench.ledger.outcome(30).reason, bench.ledger.outcome(30).spent) == ("bucket_refuses", False)
    assert sum(bench.source.opened.values()) == BUCKET_AWAY_AFTER


async def test_one_copy_whose_write_is_refused_fails_alone(bench: Bench) -> None:
    bench.limits = type(bench.limits)(bench.limits.spool, transfers=1)
    refused = StoreRequestRefused("400 invalidParameter")
    bench.store.put_errors = [refused, None, refused, refused, None]
    await bench.pool_tries(*[work(number) for number in range(1, 7)])
    assert bench.ledger.opened == []
    assert bench.ledger.states() == {"failed": 3, "verified": 3}


async def test_a_refusal_that_other_jobs_met_too_holds_the_bucket_and_fails_nothing(bench: Bench) -> None:
    """A live call is one copy in a job of its own; a probe is one of a bucket that is held for it."""
    bench.ledger.failing.add(1)
    refuses(bench)
    await bench.pool_tries(work(1))
    assert bench.ledger.opened == [(HoldOn.BUCKET, "1", "bucket_refuses")]
    assert bench.ledger.states() == {"pending": 1}


async def test_d24_a_bucket_that_cannot_even_be_opened_is_held_without_a_byte_fetched(bench: Bench) -> None:
    bench.closed[1] = StoreUnavailable("ClientConnectorDNSError")
    await bench.pool_tries(*[work(number) for number in range(1, 10)])
    assert bench.ledger.opened == [(HoldOn.BUCKET, "1", "bucket_away")]
    assert sum(bench.source.opened.values()) == 0
