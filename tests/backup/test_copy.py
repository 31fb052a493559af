"""One copy from pending to its outcome: the bytes, the proof, the store's answer, and what is decided where one of them fails."""

import asyncio
import hashlib
import stat

import google_crc32c
import pytest

from rokuon.backup.copy import copy_recording
from rokuon.domain.copies import State
from rokuon.domain.failures import (
    BucketForbidden,
    ChecksumRefused,
    InternalFault,
    ObjectDiffers,
    ObjectExists,
    ObjectOccupied,
    RecordingDurationDiffers,
    RecordingEmpty,
    RecordingNotAudio,
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
from rokuon.domain.work import Outcome, Work
from tests.audio import length_ms, mp3
from tests.backup.scripted import Bench, Clip, work

AUDIO = mp3(1)


async def copied(bench: Bench, one: Work) -> Outcome:
    outcome = await copy_recording(one, bench.store, bench.gear)
    assert isinstance(outcome, Outcome), outcome
    return outcome


async def refused(bench: Bench, one: Work) -> RokuonError:
    error = await copy_recording(one, bench.store, bench.gear)
    assert isinstance(error, RokuonError)
    return error


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
    "S9 cut inside a frame": (AUDIO[:-30], RecordingTruncated),
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


async def test_s10_a_first_read_cut_at_a_frame_is_caught_by_the_second_where_no_duration_is_listed(bench: Bench) -> None:
    bench.source.script(1, Clip(AUDIO[:720], length=None), Clip(AUDIO, length=None))
    assert isinstance(await refused(bench, work(duration_ms=None)), RecordingUnstable)


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
    crew = await bench.crew_tries(*works)
    assert not crew.stopped_by
    assert bench.ledger.states() == {"verified": 30}
    assert 0 < most <= bench.limits.memory


async def test_a_cancelled_copy_gives_its_memory_and_its_place_back(bench: Bench) -> None:
    bench.source.gate = asyncio.Event()
    task = asyncio.create_task(copy_recording(work(), bench.store, bench.gear))
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
        (b"somebody else's", "r1"),
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
    assert isinstance(await refused(bench, work()), ObjectOccupied)


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
    reason = "source_unavailable"


async def test_an_unknown_error_of_our_tree_is_handed_on_and_nothing_is_raised(bench: Bench) -> None:
    bench.source.script(1, Clip(error=Canary("x")))
    assert isinstance(await refused(bench, work()), Canary)
