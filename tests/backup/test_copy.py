"""One copy from pending to its outcome: the bytes, the proof, the store's answer, and what is decided where one of them fails."""

import asyncio
import errno
import hashlib
import mmap
import resource
import stat
from collections.abc import AsyncIterator
from dataclasses import replace

import google_crc32c
import pytest

from rokuon.domain.copies import State
from rokuon.domain.failures import (
    BucketForbidden,
    ChecksumRefused,
    InternalFault,
    ObjectDiffers,
    ObjectExists,
    ObjectMisread,
    ObjectOccupied,
    RecordingDurationDiffers,
    RecordingEmpty,
    RecordingNotAudio,
    RecordingReadOnce,
    RecordingTooLarge,
    RecordingTruncated,
    RecordingUnstable,
    RokuonError,
    SourceThrottled,
    SourceUnavailable,
    StoreThrottled,
    StoreUnavailable,
)
from rokuon.domain.ports import Body, StoredObject
from rokuon.domain.retry import READ_APART_S, History, RetryLater, decide
from rokuon.domain.work import FailedTry, Outcome, Work
from tests.audio import length_ms, mp3
from tests.backup.scripted import NOW_MS, Bench, Clip, work

AUDIO = mp3(1)


async def copied(bench: Bench, one: Work) -> Outcome:
    outcome = await bench.try_copy(one)
    assert isinstance(outcome, Outcome), outcome
    return outcome


async def refused(bench: Bench, one: Work) -> RokuonError:
    refused = await bench.try_copy(one)
    assert isinstance(refused, FailedTry)
    return refused.error


async def test_a_verified_copy_names_what_the_bucket_holds_byte_for_byte(bench: Bench) -> None:
    outcome = await copied(bench, work())
    assert await bench.store.content(work().key) == AUDIO
    assert (outcome.state, outcome.size, outcome.proof) == (State.VERIFIED, len(AUDIO), "length")
    assert (outcome.sha256, outcome.crc32c) == (hashlib.sha256(AUDIO).hexdigest(), google_crc32c.value(AUDIO))
    assert (outcome.audio_ms, outcome.version, outcome.spent) == (length_ms(), "1", False)


async def test_the_object_carries_the_ids_and_the_hash_but_no_name(bench: Bench) -> None:
    await copied(bench, work())
    found = await bench.store.stat(work().key)
    assert found
    assert found.metadata == {
        "call-id": "c1", "recording-id": "r1", "recording-kind": "callrecording", "sha256": hashlib.sha256(AUDIO).hexdigest(),
    }  # fmt: skip


async def test_q13_the_content_type_is_fixed_whatever_the_source_called_it(bench: Bench) -> None:
    await copied(bench, work())
    found = await bench.store.stat(work().key)
    assert found
    assert found.content_type == "audio/mpeg"


POLYGLOT = b"ID3\x04\x00\x00\x00\x00\x00\x20<script>alert(1)</script>".ljust(42, b" ") + AUDIO
"""An MP3 whose tag holds markup: valid for a player, and harmless as long as nobody calls it anything but audio."""


async def test_q13_a_polyglot_is_stored_as_the_bytes_it_is_and_never_run_or_converted(bench: Bench) -> None:
    bench.source.script(1, Clip(POLYGLOT))
    await copied(bench, work())
    assert await bench.store.content(work().key) == POLYGLOT
    found = await bench.store.stat(work().key)
    assert found
    assert found.content_type == "audio/mpeg"


NOT_WHOLE_AUDIO = {
    "S18 html": (b"<!DOCTYPE html><html><body>Sign in</body></html>", RecordingNotAudio),
    "S18 json": (b'{"error": {"code": 404}}', RecordingNotAudio),
    "S18 empty": (b"", RecordingEmpty),
    "S18 zeros": (bytes(3000), RecordingNotAudio),
    "S19 wav": (b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(200), RecordingNotAudio),
    "S10 half of it": (AUDIO[: len(AUDIO) // 2], RecordingDurationDiffers),
    "S9 cut inside a front tag": (b"ID3\x04\0\0\0\0\x7f\x7f" + AUDIO[:500], RecordingTruncated),
    "S11 twice as much": (AUDIO * 2, RecordingDurationDiffers),
    "html after one frame": (AUDIO[:72] + b"<html>" * 400, RecordingNotAudio),
}


@pytest.mark.parametrize("what", NOT_WHOLE_AUDIO)
@pytest.mark.parametrize("announced", [True, False], ids=["length announced", "no length"])
async def test_what_is_not_whole_audio_never_becomes_an_object(bench: Bench, what: str, announced: bool) -> None:
    body, expected = NOT_WHOLE_AUDIO[what]
    bench.source.script(1, Clip(body, length=-1 if announced else None))
    error = await refused(bench, work())
    assert isinstance(error, RecordingNotAudio | RecordingEmpty | RecordingTruncated | RecordingDurationDiffers)
    assert isinstance(error, expected)
    assert bench.store.puts == 0


async def test_s9_fewer_bytes_than_announced_are_truncated_and_never_stored(bench: Bench) -> None:
    bench.source.script(1, Clip(AUDIO[:720], length=len(AUDIO)))
    assert isinstance(await refused(bench, work()), RecordingTruncated)
    assert bench.store.puts == 0


async def test_a_cut_answer_is_fetched_again_on_the_spot_and_then_is_whole(bench: Bench) -> None:
    bench.source.script(1, Clip(AUDIO[:720], length=len(AUDIO)), Clip(AUDIO))
    assert (await copied(bench, work())).sha256 == hashlib.sha256(AUDIO).hexdigest()
    assert bench.slept == [1.0]


async def test_quick_retries_end_after_two(bench: Bench) -> None:
    bench.source.script(1, Clip(error=SourceUnavailable("503")))
    assert isinstance(await refused(bench, work()), SourceUnavailable)
    assert bench.source.opened["r1"] == 3
    assert bench.slept == [1.0, 5.0]


async def test_what_a_person_must_see_is_not_tried_on_the_spot(bench: Bench) -> None:
    bench.source.script(1, Clip(b"<html>"))
    await refused(bench, work())
    assert (bench.source.opened["r1"], bench.slept) == (1, [])


@pytest.mark.parametrize("error", [SourceThrottled("", retry_after=30), SourceUnavailable("", retry_after=30)])
async def test_a_source_that_names_a_longer_wait_is_not_asked_again_on_the_spot(bench: Bench, error: RokuonError) -> None:
    bench.source.script(1, Clip(error=error))
    assert (await refused(bench, work())).retry_after == 30
    assert bench.source.opened["r1"] == 1


# --- no length announced: two reads -----------------------------------------------------------------------------------------


async def test_s10_without_a_length_two_equal_reads_are_the_weaker_proof(bench: Bench) -> None:
    bench.source.script(1, Clip(AUDIO, length=None))
    assert (await copied(bench, work())).proof == "read_twice"
    assert bench.source.opened["r1"] == 2


async def test_s10_two_different_reads_are_no_proof(bench: Bench) -> None:
    bench.source.script(1, Clip(AUDIO, length=None), Clip(mp3(2), length=None))
    assert isinstance(await refused(bench, work()), RecordingUnstable)
    assert bench.store.puts == 0


# --- no length listed: two reads, some time apart ---------------------------------------------------------------------------

APART_MS = int(READ_APART_S * 1000)
SHA = hashlib.sha256(AUDIO).hexdigest()


def read_before(sha256: str, ago_ms: int, duration_ms: int | None = None, call_ms: int | None = None) -> Work:
    history = History(read_sha256=sha256, read_ms=NOW_MS - ago_ms)
    return replace(work(duration_ms=duration_ms), history=history, call_ms=call_ms)


@pytest.mark.parametrize("told", [None, 0])
async def test_a_first_read_without_a_listed_length_proves_nothing_and_waits_for_a_second(bench: Bench, told: int | None) -> None:
    bench.source.script(1, Clip(mp3(1, 2)))
    refused = await bench.try_copy(work(duration_ms=told))
    assert isinstance(refused, FailedTry)
    assert isinstance(refused.error, RecordingReadOnce)
    assert (refused.error.retry_after, refused.read_sha256) == (READ_APART_S, hashlib.sha256(mp3(1, 2)).hexdigest())
    assert bench.store.puts == 0


async def test_two_equal_reads_some_time_apart_are_a_proof_of_their_own(bench: Bench) -> None:
    assert (await copied(bench, read_before(SHA, APART_MS))).proof == "read_apart"
    assert bench.source.opened["r1"] == 1


async def test_a_second_read_that_comes_too_early_is_not_made(bench: Bench) -> None:
    error = await refused(bench, read_before(SHA, APART_MS - 60_000))
    assert isinstance(error, RecordingReadOnce)
    assert (error.retry_after, bench.source.opened["r1"]) == (60, 0)


async def test_s10_a_first_read_cut_at_a_frame_is_caught_by_the_second_where_no_duration_is_listed(bench: Bench) -> None:
    cut = hashlib.sha256(AUDIO[:720]).hexdigest()
    refused = await bench.try_copy(read_before(cut, APART_MS))
    assert isinstance(refused, FailedTry)
    assert isinstance(refused.error, RecordingUnstable)
    assert (refused.read_sha256, bench.store.puts) == (SHA, 0)


async def test_audio_much_longer_than_its_call_is_refused_where_no_length_is_listed(bench: Bench) -> None:
    assert (await copied(bench, read_before(SHA, APART_MS, call_ms=length_ms()))).proof == "read_apart"
    bench.source.script(1, Clip(mp3(1, 400)))
    error = await refused(bench, replace(work(duration_ms=None), call_ms=10_000))
    assert isinstance(error, RecordingDurationDiffers)
    assert error.detail == f"{length_ms(400)} ms of audio, 10000 ms from start to end of the call"


async def test_audio_of_another_length_than_listed_is_read_once_more_and_then_has_failed(bench: Bench) -> None:
    bench.source.script(1, Clip(AUDIO[:-720]))
    sha = hashlib.sha256(AUDIO[:-720]).hexdigest()
    await bench.pool_tries(work())
    first = bench.ledger.outcome(1)
    assert (first.state, first.reason, first.due_in_s, first.read_sha256) == (
        State.PENDING,
        "recording_duration_differs",
        READ_APART_S,
        sha,
    )
    bench.ledger.rows.clear()
    await bench.pool_tries(read_before(sha, APART_MS, length_ms()))
    second = bench.ledger.outcome(1)
    assert (second.state, second.reason) == (State.FAILED, "recording_duration_differs")
    assert second.detail == f"{length_ms(30)} ms of audio, {length_ms()} ms listed"


async def test_audio_that_still_grows_is_waited_for(bench: Bench) -> None:
    bench.source.script(1, Clip(AUDIO[:-720]))
    await bench.pool_tries(read_before(hashlib.sha256(AUDIO[:-1440]).hexdigest(), APART_MS, length_ms()))
    assert bench.ledger.outcome(1).state is State.PENDING


async def test_an_hour_that_lost_its_last_108_seconds_at_a_frame_is_not_verified(bench: Bench) -> None:
    bench.limits = replace(bench.limits, largest=10_000_000)
    bench.source.script(1, Clip(mp3(1, 48_500)))
    assert isinstance(await refused(bench, work(duration_ms=50_000 * 72)), RecordingDurationDiffers)


@pytest.mark.parametrize(("frames", "listed"), [(2, 100), (5, 200), (11, 700)])
async def test_a_whole_recording_of_less_than_a_second_is_taken(bench: Bench, frames: int, listed: int) -> None:
    bench.source.script(1, Clip(mp3(1, frames)))
    assert (await copied(bench, work(duration_ms=listed))).proof == "length"


async def test_a_short_last_frame_is_taken_and_told_where_as_many_bytes_came_as_announced(bench: Bench) -> None:
    bench.source.script(1, Clip(AUDIO[:-30]))
    facts = (await copied(bench, work())).facts
    assert facts
    assert facts.short_by == 30


async def test_what_was_skipped_is_told(bench: Bench) -> None:
    bench.source.script(1, Clip(AUDIO + b"\0"))
    facts = (await copied(bench, work())).facts
    assert facts
    assert [(one.what, one.where, one.size) for one in facts.skipped] == [("zeros", "behind", 1)]
    assert await bench.store.content(work().key) == AUDIO + b"\0"


# --- no length announced, again ---------------------------------------------------------------------------------------------


async def test_s10_a_second_read_that_breaks_off_makes_the_whole_step_run_again(bench: Bench) -> None:
    bench.source.script(
        1, Clip(AUDIO, length=None), Clip(AUDIO[:72], length=None, broken_after=RecordingTruncated()), Clip(AUDIO, length=None)
    )
    assert (await copied(bench, work())).proof == "read_twice"
    assert bench.source.opened["r1"] == 4


async def test_s10_the_same_cut_twice_is_still_caught_by_the_listed_duration(bench: Bench) -> None:
    bench.source.script(1, Clip(AUDIO[:720], length=None))
    assert isinstance(await refused(bench, work()), RecordingDurationDiffers)


# --- memory and spool -------------------------------------------------------------------------------------------------------

LONG = mp3(1, 300)


async def test_a_large_body_goes_through_a_private_spool_file_that_is_gone_afterwards(bench: Bench) -> None:
    bench.source.script(1, Clip(LONG))
    modes = []
    bench.store.rot = lambda stored: modes.append(stat.S_IMODE(bench.store.seen_paths[0].stat().st_mode)) or stored  # type: ignore[func-returns-value]
    await copied(bench, work(duration_ms=length_ms(300)))
    assert await bench.store.content(work().key) == LONG
    assert modes == [0o600]
    assert not bench.store.seen_paths[0].exists()


async def test_a_body_of_unknown_length_goes_through_the_spool_because_it_may_be_large(bench: Bench) -> None:
    bench.source.script(1, Clip(AUDIO, length=None))
    await copied(bench, work())
    assert len(bench.store.seen_paths) == 1


async def test_a_retry_after_a_cut_starts_with_a_clean_spool(bench: Bench) -> None:
    bench.source.script(1, Clip(LONG[:-7200], length=len(LONG)), Clip(LONG))
    assert (await copied(bench, work(duration_ms=length_ms(300)))).sha256 == hashlib.sha256(LONG).hexdigest()


@pytest.mark.parametrize("room", [0, 1, 4096, 8193, len(LONG) - 1])
async def test_a_spool_without_room_is_told_as_such_wherever_the_room_ends(bench: Bench, room: int) -> None:
    """Not as a fault inside Rokuon: what a full disk did not take is not tried once more when the file is closed."""
    bench.source.script(1, Clip(LONG), Clip(LONG))
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, usual[1]))
    try:
        error = await refused(bench, work(duration_ms=length_ms(300)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert (error.reason, error.detail) == ("spool_unusable", "EFBIG")
    assert list(bench.limits.spool.iterdir()) == []
    await copied(bench, work(duration_ms=length_ms(300)))


async def test_a_spool_file_that_cannot_be_read_again_is_the_spool_s_trouble(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.source.script(1, Clip(LONG))

    def broken(*given: object, **more: object) -> None:
        raise OSError(errno.EIO, "I/O error")

    monkeypatch.setattr(mmap, "mmap", broken)
    error = await refused(bench, work(duration_ms=length_ms(300)))
    assert (error.reason, error.detail) == ("spool_unusable", "EIO")


async def test_q14_an_endless_body_ends_at_the_limit_and_leaves_nothing(bench: Bench) -> None:
    bench.source.script(1, Clip(mp3(1, 20_000), length=None))
    assert isinstance(await refused(bench, work()), RecordingTooLarge)
    assert bench.store.puts == 0


async def test_q14_bodies_in_memory_stay_within_the_byte_budget(bench: Bench) -> None:
    """A budget of 20,000 bytes lets six bodies of 2,880 in at once, however many copies are under way."""
    works = [work(number) for number in range(1, 31)]
    inside = most = 0
    put = bench.store.inner.put

    async def slow_put(key: str, body: Body, **options: object) -> StoredObject:
        nonlocal inside, most
        inside += body.size
        most = max(most, inside)
        await asyncio.sleep(0.002)
        inside -= body.size
        return await put(key, body, **options)  # type: ignore[arg-type]

    bench.store.inner.put = slow_put  # type: ignore[method-assign]
    pool = await bench.pool_tries(*works)
    assert not pool.stopped_by
    assert bench.ledger.states() == {"verified": 30}
    assert 0 < most <= bench.limits.memory


async def test_a_cancelled_copy_gives_its_memory_and_its_place_back(bench: Bench) -> None:
    bench.source.gate = asyncio.Event()
    task = asyncio.create_task(bench.try_copy(work()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.source.open_now == 0


# --- stored, verified, reconciled -------------------------------------------------------------------------------------------


async def place_ours(bench: Bench, data: bytes = AUDIO, recording: str = "r1") -> None:
    body = Body(len(data), hashlib.sha256(data).hexdigest(), google_crc32c.value(data), data)
    await bench.store.inner.put(work().key, body, content_type="audio/mpeg", metadata={"recording-id": recording} if recording else {})


async def test_d5_a_taken_name_with_our_own_object_is_verified_and_not_written_again(bench: Bench) -> None:
    await place_ours(bench)
    outcome = await copied(bench, work())
    assert (outcome.state, outcome.version) == (State.VERIFIED, "1")


async def test_d5_a_lost_answer_after_the_commit_is_verified_by_reading_back(bench: Bench) -> None:
    bench.store.lose_answers, bench.store.put_errors = 1, [StoreUnavailable("reset")]
    outcome = await copied(bench, work())
    assert (outcome.state, outcome.version) == (State.VERIFIED, "1")
    assert bench.store.reads == 1
    assert bench.source.opened["r1"] == 1


async def test_a_lost_answer_with_nothing_stored_is_sent_again_without_fetching_again(bench: Bench) -> None:
    bench.store.put_errors = [StoreUnavailable("reset")]
    await copied(bench, work())
    assert (bench.store.puts, bench.source.opened["r1"], bench.slept) == (2, 1, [1.0])


@pytest.mark.parametrize(
    ("data", "recording"),
    [
        (b"someone else's", "r1"),
        (AUDIO[:-1] + b"!", "r1"),
        (AUDIO, "r2"),
    ],
    ids=["another size", "the same size", "the same bytes of another recording"],
)
async def test_d6_q17_a_foreign_object_is_named_and_left_as_it_was(bench: Bench, data: bytes, recording: str) -> None:
    await place_ours(bench, data, recording)
    error = await refused(bench, work())
    assert isinstance(error, ObjectOccupied)
    assert await bench.store.content(work().key) == data
    assert await bench.store.keys() == [work().key]


async def test_d6_equal_checksums_are_not_enough_the_bytes_are_compared(bench: Bench) -> None:
    """CRC32C can be met on purpose: two files of one size and one CRC are still two files."""
    other = AUDIO[:72] + bytes(len(AUDIO) - 72)
    await place_ours(bench, other)
    true_stat = bench.store.stat

    async def lying_stat(key: str) -> StoredObject | None:
        found = await true_stat(key)
        return found and StoredObject(key, found.size, google_crc32c.value(AUDIO), found.version, found.content_type, found.metadata)

    bench.store.stat = lying_stat  # type: ignore[method-assign]
    assert isinstance(await refused(bench, work()), ObjectMisread)
    assert await bench.store.content(work().key) == other


@pytest.mark.parametrize("times", [1, 2])
async def test_d25_one_bad_read_is_read_again_and_the_recording_is_verified(bench: Bench, times: int) -> None:
    await place_ours(bench, AUDIO)
    true_read = bench.store.read
    bad = [b"?" * len(AUDIO), AUDIO[:-1]][:times]

    async def read(key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if bad:
            yield bad.pop()
            return
        async for piece in true_read(key, start, end):
            yield piece

    bench.store.read = read  # type: ignore[method-assign]
    assert (await copied(bench, work())).state is State.VERIFIED
    assert bad == []


async def test_d25_reads_that_stay_bad_are_tried_later_and_never_a_foreign_file(bench: Bench) -> None:
    await place_ours(bench, AUDIO)

    async def read(key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        yield b"?" * len(AUDIO)

    bench.store.read = read  # type: ignore[method-assign]
    error = await refused(bench, work())
    assert isinstance(error, ObjectMisread)
    assert isinstance(decide(error, History(), 0), RetryLater)


async def test_d25_where_the_checksum_is_of_a_read_two_looks_must_agree_before_a_file_is_foreign(bench: Bench) -> None:
    await place_ours(bench, AUDIO)
    bench.store.capabilities = replace(bench.store.capabilities, stores_checksum=False)
    true_stat = bench.store.stat
    wrong = [7]

    async def stat(key: str) -> StoredObject | None:
        found = await true_stat(key)
        return replace(found, crc32c=wrong.pop()) if found and wrong else found

    bench.store.stat = stat  # type: ignore[method-assign]
    assert (await copied(bench, work())).state is State.VERIFIED
    wrong += [7] * 20
    assert isinstance(await refused(bench, work()), ObjectOccupied), "the same other checksum twice is another file"


async def test_d7_a_refusal_with_nothing_there_is_tried_again_and_never_counts_as_success(bench: Bench) -> None:
    bench.store.put_errors = [ObjectExists(), None]
    outcome = await copied(bench, work())
    assert outcome.version == "1"
    assert await bench.store.content(work().key) == AUDIO


async def test_d7_a_refusal_that_stays_with_nothing_there_is_a_failure(bench: Bench) -> None:
    bench.store.put_errors = [ObjectExists()] * 5
    assert isinstance(await refused(bench, work()), StoreUnavailable)
    assert await bench.store.keys() == []


async def test_d11_a_409_of_two_writers_ends_in_one_object_for_both(bench: Bench) -> None:
    first, second = await asyncio.gather(copied(bench, work()), copied(bench, work()))
    assert first.version == second.version == "1"
    assert await bench.store.keys() == [work().key]


async def test_a_reconcile_whose_reading_fails_decides_nothing(bench: Bench) -> None:
    await place_ours(bench)
    bench.store.stat_errors = [StoreUnavailable()] * 3
    assert isinstance(await refused(bench, work()), StoreUnavailable)


async def test_a_reconcile_that_may_not_read_is_about_the_bucket(bench: Bench) -> None:
    await place_ours(bench)
    bench.store.stat_errors = [BucketForbidden()]
    assert isinstance(await refused(bench, work()), BucketForbidden)


async def test_a_throttling_store_does_not_make_the_copy_fetch_again(bench: Bench) -> None:
    bench.store.put_errors = [StoreThrottled("", retry_after=40)]
    assert (await refused(bench, work())).retry_after == 40
    assert bench.source.opened["r1"] == 1


async def test_d15_bytes_damaged_on_the_way_are_sent_again_from_what_was_fetched(bench: Bench) -> None:
    bench.store.put_errors = [ChecksumRefused(), ChecksumRefused()]
    await copied(bench, work())
    assert (bench.store.puts, bench.source.opened["r1"]) == (3, 1)


async def test_d15_damage_that_stays_is_a_failure_with_its_own_reason(bench: Bench) -> None:
    bench.store.put_errors = [ChecksumRefused()] * 3
    assert isinstance(await refused(bench, work()), ChecksumRefused)


@pytest.mark.parametrize("wrong", [{"crc32c": 1}, {"crc32c": None}, {"size": 5}])
async def test_d16_a_store_that_kept_other_bytes_is_never_verified(bench: Bench, wrong: dict[str, int | None]) -> None:
    def rot(stored: StoredObject) -> StoredObject:
        facts = {"size": stored.size, "crc32c": stored.crc32c} | wrong
        return StoredObject(stored.key, version="1", **facts)  # type: ignore[arg-type]

    bench.store.rot = rot
    assert isinstance(await refused(bench, work()), ObjectDiffers)


async def test_e26_a_bug_on_one_recording_is_its_failure_with_a_trace_and_no_text_of_it(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.source.script(1, Clip(error=ZeroDivisionError("Ann's secret")))
    error = await refused(bench, work())
    assert isinstance(error, InternalFault)
    assert error.detail.startswith("trace ")
    assert error.detail.removeprefix("trace ") in {record.__dict__.get("trace") for record in caplog.records}


class Canary(RokuonError):
    """Like the reason code that it borrows: every test of this process finds it among the classes that carry one."""

    reason = SourceUnavailable.reason
    decision = SourceUnavailable.decision


async def test_an_unknown_error_of_our_tree_is_handed_on_and_nothing_is_raised(bench: Bench) -> None:
    bench.source.script(1, Clip(error=Canary("x")))
    assert isinstance(await refused(bench, work()), Canary)
