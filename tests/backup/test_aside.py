"""Nothing that Rokuon held in its hands is lost: what may be audio and cannot be proven is kept beside the recordings."""

import hashlib
from dataclasses import replace

import pytest

from rokuon.domain.copies import State
from rokuon.domain.failures import (
    BucketForbidden,
    HoldOn,
    ObjectDiffers,
    RecordingTooSlow,
    RecordingTruncated,
    SourceKeyRefused,
    StoreUnavailable,
)
from rokuon.domain.retry import READ_APART_S, History
from rokuon.domain.work import AsideObject, FailedTry, Outcome, Work
from tests.audio import mp3
from tests.backup.scripted import NOW_MS, Bench, Clip, work

WAV = b"RIFF\x24\0\0\0WAVEfmt " + bytes(range(256))
SHA = hashlib.sha256(WAV).hexdigest()
KEY = f"call-recordings/.rokuon-aside/Sales/2026-09-21/Ann - c1 - r1 - {SHA[:12]}.wav"


def second(body: bytes = WAV, **changes: object) -> Work:
    """The same bytes were read before, long enough ago: the try that gives up."""
    history = History(tries=1, read_sha256=hashlib.sha256(body).hexdigest(), read_ms=NOW_MS - int(READ_APART_S * 1000))
    return replace(work(), attempt=1, history=history, **changes)  # type: ignore[arg-type]


async def test_what_may_be_audio_is_kept_aside_when_the_tries_are_over_and_the_copy_has_failed(bench: Bench) -> None:
    bench.source.script(1, Clip(WAV))
    await bench.pool_tries(second())
    outcome = bench.ledger.outcome(1)
    assert (outcome.state, outcome.reason, outcome.detail) == (State.FAILED, "recording_not_audio", "WAV")
    assert outcome.aside
    assert (outcome.aside.key, outcome.aside.size, outcome.aside.sha256, outcome.aside.looks) == (KEY, len(WAV), SHA, "WAV")
    assert await bench.store.keys() == [KEY]
    found = await bench.store.stat(KEY)
    assert found
    assert (found.content_type, found.crc32c, found.metadata["recording-id"]) == ("audio/wav", outcome.aside.crc32c, "r1")
    assert await bench.store.content(KEY) == WAV


async def test_before_that_nothing_is_kept(bench: Bench) -> None:
    bench.source.script(1, Clip(WAV))
    await bench.pool_tries(work())
    assert (bench.ledger.outcome(1).state, bench.ledger.outcome(1).aside, bench.store.puts) == (State.PENDING, None, 0)


async def test_what_soon_leaves_the_access_window_is_kept_at_the_first_try(bench: Bench) -> None:
    bench.source.script(1, Clip(WAV))
    bench.ledger.left = {1}
    await bench.pool_tries(work())
    outcome = bench.ledger.outcome(1)
    assert (outcome.state, outcome.aside is not None) == (State.PENDING, True)
    assert await bench.store.keys() == [KEY]


@pytest.mark.parametrize(
    ("body", "extension"),
    [
        (mp3(1)[:-720], "mp3"),
        (mp3(1)[:720] + b"\x01" * 9 + mp3(1), "mp3"),
        (b"OggS" + bytes(range(99)), "ogg"),
        (bytes(range(256)) * 4, "bin"),
    ],
)
async def test_every_kind_of_it_has_its_own_extension(bench: Bench, body: bytes, extension: str) -> None:
    bench.source.script(1, Clip(body))
    await bench.pool_tries(second(body))
    (key,) = await bench.store.keys()
    assert key.endswith(f".{extension}")
    assert bench.ledger.outcome(1).state is State.FAILED


LAST = replace(work(), attempt=7, history=History(tries=7))
"""The copy before the try after which no other comes."""


@pytest.mark.parametrize(
    "clip",
    [
        Clip(mp3(1)[:-2000], length=len(mp3(1))),
        Clip(WAV, broken_after=RecordingTooSlow("256 bytes in 30 s")),
        Clip(mp3(1)[:2000], length=None, broken_after=RecordingTruncated("broken")),
    ],
)
async def test_what_arrived_of_a_body_that_always_ends_early_is_kept_too(bench: Bench, clip: Clip) -> None:
    bench.source.script(1, clip)
    await bench.pool_tries(LAST)
    outcome = bench.ledger.outcome(1)
    assert (outcome.state, outcome.reason in ("recording_truncated", "recording_too_slow")) == (State.FAILED, True)
    assert outcome.aside
    assert await bench.store.content(outcome.aside.key) == clip.body


async def test_a_broken_download_is_no_read_whose_equal_would_end_the_tries(bench: Bench) -> None:
    cut = mp3(1)[:-2000]
    bench.source.script(1, Clip(cut, length=len(mp3(1))))
    await bench.pool_tries(second(cut))
    outcome = bench.ledger.outcome(1)
    assert (outcome.state, outcome.reason, outcome.read_sha256, outcome.aside) == (State.PENDING, "recording_truncated", "", None)


@pytest.mark.parametrize("body", [b"", b"<html><body>", b'{"error": "'])
async def test_of_a_page_that_ends_early_nothing_is_kept(bench: Bench, body: bytes) -> None:
    bench.source.script(1, Clip(body, length=9000))
    await bench.pool_tries(LAST)
    assert (bench.ledger.outcome(1).state, bench.ledger.outcome(1).reason, bench.store.puts) == (State.FAILED, "recording_truncated", 0)


@pytest.mark.parametrize(
    "body", [b"<!DOCTYPE html><html>", b'{"error": 1}', b"<?xml version='1.0'?><Error/>", b"not found", b"", bytes(3000)]
)
async def test_pages_and_texts_are_never_kept(bench: Bench, body: bytes) -> None:
    bench.source.script(1, Clip(body))
    bench.ledger.left = {1}
    await bench.pool_tries(replace(work(), attempt=7, history=History(tries=7)))
    assert (bench.ledger.outcome(1).state, bench.store.puts) == (State.FAILED, 0)


async def test_the_same_bytes_kept_again_are_one_object(bench: Bench) -> None:
    bench.source.script(1, Clip(WAV))
    await bench.pool_tries(second())
    bench.ledger.rows.clear()
    await bench.pool_tries(second())
    assert await bench.store.keys() == [KEY]
    assert bench.ledger.outcome(1).aside


@pytest.mark.parametrize("error", [StoreUnavailable("503"), BucketForbidden()])
async def test_a_copy_does_not_fail_before_its_bytes_are_kept(bench: Bench, error: StoreUnavailable | BucketForbidden) -> None:
    bench.source.script(1, Clip(WAV))
    bench.store.put_errors = [error] * 3
    await bench.pool_tries(second())
    assert (bench.ledger.outcome(1).state, bench.ledger.outcome(1).reason) == (State.PENDING, error.reason)


# --- accepted -----------------------------------------------------------------------------------------------------------------


async def kept(bench: Bench) -> Work:
    """A copy of which a person accepted what was kept aside."""
    bench.source.script(1, Clip(WAV))
    await bench.pool_tries(second())
    aside = bench.ledger.outcome(1).aside
    assert aside
    bench.ledger.rows.clear()
    bench.source.opened.clear()
    return replace(work(), attempt=3, accepted=aside)


async def test_an_accepted_file_is_created_under_the_copys_own_key_without_asking_the_source(bench: Bench) -> None:
    accepted = await kept(bench)
    await bench.pool_tries(accepted)
    outcome = bench.ledger.outcome(1)
    assert (outcome.state, outcome.proof, outcome.sha256, outcome.audio_ms, outcome.facts) == (State.VERIFIED, "accepted", SHA, None, None)
    assert await bench.store.content(accepted.key) == WAV
    assert await bench.store.keys() == sorted([KEY, accepted.key])
    found = await bench.store.stat(accepted.key)
    assert found
    assert (found.content_type, bench.source.opened["r1"]) == ("audio/wav", 0)


async def test_accepting_twice_or_after_a_crash_ends_in_one_object(bench: Bench) -> None:
    accepted = await kept(bench)
    for _ in range(2):
        assert isinstance(await bench.try_copy(accepted), Outcome)
    assert len(await bench.store.keys()) == 2


async def test_an_accepted_file_needs_no_source(bench: Bench) -> None:
    accepted = await kept(bench)
    bench.ledger.open_holds = {(HoldOn.SOURCE, ""): SourceKeyRefused()}
    await bench.pool_tries(accepted)
    assert bench.ledger.outcome(1).state is State.VERIFIED


async def test_other_bytes_than_were_kept_are_never_taken_for_them(bench: Bench) -> None:
    accepted = await kept(bench)
    for wrong in ({"sha256": "0" * 64}, {"size": len(WAV) - 1}):
        assert isinstance(accepted.accepted, AsideObject)
        refused = await bench.try_copy(replace(accepted, accepted=replace(accepted.accepted, **wrong)))
        assert isinstance(refused, FailedTry)
        assert isinstance(refused.error, ObjectDiffers)
    assert await bench.store.keys() == [KEY]
