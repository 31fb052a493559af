"""The audio is real MP3 of the listed length, every recording's own, and the same every time."""

import hashlib
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from rokuon.simulator import WorldSpec, audio, build
from rokuon.simulator.media import cut, parse_range
from rokuon.simulator.model import Recording

from . import mp3
from .conftest import NOW

WORLD = build(WorldSpec(now_ms=NOW, recordings=150))
ANY = next(iter(WORLD.recordings.values()))


def recording(number: int, duration_ms: int, kbps: int) -> Recording:
    return Recording(4_500_000_000_000_000 + number * 7, number, "callrecording", NOW, duration_ms, kbps, ANY.call)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**40 - 1), st.integers(1, 90_000), st.sampled_from([8, 16]))
def test_any_recording_is_whole_frames_of_the_listed_duration(number: int, duration_ms: int, kbps: int) -> None:
    data = audio.whole(recording(number, duration_ms, kbps))
    assert abs(mp3.milliseconds(data) - duration_ms) <= 72
    assert len(data) == audio.size(recording(number, duration_ms, kbps))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 2**40 - 1), min_size=2, max_size=6, unique=True))
def test_two_recordings_of_three_seconds_never_have_the_same_bytes(numbers: list[int]) -> None:
    # The same id twice would give the same clips: the serial number alone must keep them apart.
    bodies = {audio.whole(replace(recording(n, 3_000, 8), id=4_500_000_000_000_001)) for n in numbers}
    assert len(bodies) == len(numbers)


def test_a_frame_never_borrows_more_bits_than_its_clip_has_given() -> None:
    for it in list(WORLD.recordings.values())[:40]:
        frames = mp3.frames(audio.whole(it))
        assert mp3.borrows(frames[0]) == 0
        for n in range(0, len(frames), audio.CLIP_FRAMES):
            assert mp3.borrows(frames[n]) == 0, "clips are joined in any order, so a clip's first frame stands alone"


def test_every_recording_of_a_world_differs_and_the_same_spec_gives_the_same_bytes() -> None:
    again = build(WorldSpec(now_ms=NOW, recordings=150))
    digests = {i: hashlib.sha256(audio.whole(it)).digest() for i, it in WORLD.recordings.items()}
    assert len(set(digests.values())) == 150
    assert digests == {i: hashlib.sha256(audio.whole(it)).digest() for i, it in again.recordings.items()}


def test_a_long_recording_comes_in_bounded_pieces_that_join_to_its_size() -> None:
    long = recording(5, 3 * 3_600_000, 16)
    sizes = [len(piece) for piece in audio.pieces(long)]
    assert max(sizes) <= 2**20
    assert sum(sizes) == audio.size(long) == 150_000 * 144


def test_the_cache_holds_no_more_than_its_limit_and_still_answers_right() -> None:
    cache = audio.AudioCache(limit=300_000)
    for it in list(WORLD.recordings.values()) * 2:
        assert cache.get(it) == audio.whole(it)
        assert cache._held <= 300_000 or len(cache._items) == 0
    assert cache._held == sum(len(data) for data in cache._items.values())


@given(st.lists(st.binary(max_size=20), max_size=8), st.data())
def test_a_range_of_streamed_pieces_is_the_slice_of_the_whole(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    assert b"".join(cut(iter(parts), start, end)) == whole[start:end]


def test_ranges_are_read_as_http_means_them() -> None:
    assert parse_range("bytes=0-0", 10) == (0, 1)
    assert parse_range("bytes=3-", 10) == (3, 10)
    assert parse_range("bytes=-4", 10) == (6, 10)
    assert parse_range("bytes=2-99", 10) == (2, 10)
    for refused in ("bytes=10-", "bytes=5-4", "bytes=-0", "bytes=-", "lines=1-2", "bytes=1-2,4-5"):
        assert parse_range(refused, 10) is None, refused
