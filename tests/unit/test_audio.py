"""What counts as a whole MP3, on real ones, on made-up frame sequences, and on damaged and false ones."""

import math
import mmap
import struct
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import lameenc
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from rokuon.domain.audio import AudioFacts, Skipped, inspect
from rokuon.domain.duration import TOLERANCE_MS
from rokuon.domain.failures import (
    RecordingDamaged,
    RecordingEmpty,
    RecordingNotAudio,
    RecordingTruncated,
    RokuonError,
)

REFUSED = (RecordingDamaged, RecordingEmpty, RecordingNotAudio, RecordingTruncated)

# (version bits, sample rate bits) -> Hz, from the standard's table, not from the code under test.
HZ = {(3, 0): 44100, (3, 1): 48000, (3, 2): 32000, (2, 0): 22050, (2, 1): 24000, (2, 2): 16000, (0, 0): 11025, (0, 1): 12000, (0, 2): 8000}
KBPS = {
    3: [None, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    2: [None, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
}


def frame(
    version: int = 0, rate: int = 2, kbps: int = 2, padding: int = 0, *, private: int = 0, protection: int = 1, last: int = 0xC4
) -> bytes:
    table = KBPS[3 if version == 3 else 2][kbps]
    assert table is not None
    size = (144 if version == 3 else 72) * table * 1000 // HZ[version, rate] + padding
    head = bytes([0xFF, 0xE0 | version << 3 | 2 | protection, kbps << 4 | rate << 2 | padding << 1 | private, last])
    body = b"\x55" * (size - 4)
    return head + (body if protection else crc(head[2:] + body[2 : 2 + side(head)]) + body[2:])


def side(head: bytes) -> int:
    """Bytes of side information (ISO/IEC 11172-3, 2.4.1.7)."""
    stereo = head[3] >> 6 != 3
    return (17, 32)[stereo] if head[1] & 0x18 == 0x18 else (9, 17)[stereo]


def crc(covered: bytes) -> bytes:
    """The checksum of a frame, bit by bit as the standard draws it."""
    register = 0xFFFF
    for byte in covered:
        for bit in range(7, -1, -1):
            carry = (register >> 15) ^ (byte >> bit & 1)
            register = (register << 1 & 0xFFFF) ^ (0x8005 if carry else 0)
    return register.to_bytes(2, "big")


@cache
def real(rate: int, kbps: int, seconds: float = 3, channels: int = 1, vbr: int | None = None) -> bytes:
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_channels(channels)
    encoder.set_in_sample_rate(rate)
    encoder.set_out_sample_rate(rate)
    encoder.set_bit_rate(kbps)
    encoder.set_quality(7)
    if vbr is not None:
        encoder.set_vbr(vbr)
    wave = (round(9000 * math.sin(n * (0.02 + n / 2_000_000))) for n in range(round(rate * seconds)))
    return bytes(encoder.encode(b"".join(struct.pack("<h", value) * channels for value in wave)) + encoder.flush())


REAL = [(8000, 8), (8000, 16), (11025, 16), (12000, 16), (16000, 24), (22050, 32), (32000, 64), (44100, 128), (48000, 320)]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("rate", "kbps"), REAL)
def test_a_real_recording_is_as_long_as_what_was_encoded(rate: int, kbps: int, channels: int) -> None:
    facts = inspect(real(rate, kbps, 3, channels))
    assert (facts.format, facts.sample_rate) == ("mp3", rate)
    assert 3000 <= facts.duration_ms <= 3300
    assert abs(facts.bitrate_kbps - kbps) <= 1


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_a_variable_bitrate_is_walked_too(rate: int) -> None:
    body = real(rate, 64, 4, 2, vbr=4)
    facts = inspect(body)
    assert 4000 <= facts.duration_ms <= 4300
    assert len({body[at + 2] for at in offsets(body)}) > 1


def offsets(body: bytes) -> list[int]:
    """Where the frames of a file without tags begin, computed from the tables above."""
    found, at = [], 0
    while at < len(body):
        version, rate, kbps, padding = body[at + 1] >> 3 & 3, body[at + 2] >> 2 & 3, body[at + 2] >> 4, body[at + 2] >> 1 & 1
        found.append(at)
        at += len(frame(version, rate, kbps, padding))
    return found


# --- frame sequences --------------------------------------------------------------------------------------------------

headers = st.tuples(
    st.sampled_from(sorted(HZ)), st.integers(1, 14), st.integers(0, 1), st.integers(0, 1), st.integers(0, 1), st.integers(0, 255)
).filter(lambda header: header[5] & 3 != 2)


def built(parts: Sequence[tuple[tuple[int, int], int, int, int, int, int]]) -> tuple[bytes, float]:
    body = b"".join(frame(*kind, kbps, pad, private=private, protection=crc, last=last) for kind, kbps, pad, private, crc, last in parts)
    return body, sum((1152 if kind[0] == 3 else 576) * 1000 / HZ[kind] for kind, *_ in parts)


@given(st.lists(headers, min_size=2, max_size=12), st.integers(1, 60))
def test_every_sequence_of_frames_is_as_long_as_its_frames(
    parts: list[tuple[tuple[int, int], int, int, int, int, int]], repeats: int
) -> None:
    body, duration_ms = built(parts * repeats)
    facts = inspect(body)
    assert facts.frames == len(parts) * repeats
    assert abs(facts.duration_ms - duration_ms) < 1


@given(headers, st.integers(2, 300), st.data())
def test_one_odd_frame_in_a_steady_file_is_counted_as_it_is(
    steady: tuple[tuple[int, int], int, int, int, int, int], count: int, data: st.DataObject
) -> None:
    parts = [steady] * count
    parts[data.draw(st.integers(0, count - 1))] = data.draw(headers)
    body, duration_ms = built(parts)
    assert abs(inspect(body).duration_ms - duration_ms) < 1


@pytest.mark.parametrize("rate", [0, 1, 2])
@pytest.mark.parametrize("version", [0, 2, 3])
def test_padding_that_evens_out_a_constant_bitrate_is_walked(version: int, rate: int) -> None:
    exact = (144 if version == 3 else 72) * (KBPS[3 if version == 3 else 2][5] or 0) * 1000
    parts, debt = [], 0
    for _ in range(500):
        debt += exact % HZ[version, rate]
        padding, debt = divmod(debt, HZ[version, rate])
        parts.append(((version, rate), 5, padding, 0, 1, 0xC0))
    body, duration_ms = built(parts)
    facts = inspect(body)
    assert facts.frames == 500
    assert abs(facts.duration_ms - duration_ms) < 1
    assert (facts.short_by, inspect(body[:-1]).short_by) == (0, 1)


def test_bytes_hidden_between_the_periods_of_a_steady_file_are_refused() -> None:
    # 16 kbit/s at 11,025 Hz: 49 frames with 24 paddings are a period; here the padding is missing and garbage fills its place.
    period = frame(0, 0, 2) * 49 + b"\x55" * 24
    with pytest.raises(RecordingDamaged, match="no frame at byte 5096"):
        inspect(period * 3)


def test_a_reserved_value_in_a_later_header_is_refused() -> None:
    with pytest.raises(RecordingDamaged, match="no frame at byte 1440"):
        inspect(frame() * 10 + frame(last=0xC2) + frame() * 10)


# --- tags -------------------------------------------------------------------------------------------------------------


def id3v2(size: int, *, footer: bool = False) -> bytes:
    head = bytes([4, 0, 0x10 if footer else 0, size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    return b"ID3" + head + b"\0" * size + (b"3DI" + head if footer else b"")


def ape(items: bytes, *, header: bool) -> bytes:
    def part(flags: int) -> bytes:
        return b"APETAGEX" + struct.pack("<IIII", 2000, len(items) + 32, 1, flags) + b"\0" * 8

    return (part(0xA0000000) if header else b"") + items + part(0x80000000 if header else 0)


ID3V1 = b"TAG" + b"\0" * 125
PLAIN = frame() * 50


@pytest.mark.parametrize(
    "body",
    [
        id3v2(0) + PLAIN,
        id3v2(300) + PLAIN,
        id3v2(300, footer=True) + PLAIN,
        id3v2(20) + id3v2(30) + PLAIN,
        PLAIN + ID3V1,
        PLAIN + ape(b"x" * 40, header=True),
        PLAIN + ape(b"x" * 40, header=False),
        id3v2(300) + PLAIN + ape(b"", header=True) + ID3V1,
    ],
)
def test_tags_are_no_audio(body: bytes) -> None:
    facts = inspect(body)
    assert replace(facts, skipped=()) == inspect(PLAIN) == AudioFacts("mp3", 50 * 72, 50, 16, 8000)
    assert sum(one.size for one in facts.skipped) == len(body) - len(PLAIN)


@pytest.mark.parametrize("tag", [id3v2(300), id3v2(20, footer=True)])
def test_a_file_that_ends_inside_its_front_tag_is_cut(tag: bytes) -> None:
    for size in range(10, len(tag)):
        with pytest.raises(RecordingTruncated):
            inspect(tag[:size])
    with pytest.raises(RecordingEmpty):
        inspect(tag)


@pytest.mark.parametrize("tag", [ID3V1, ape(b"x" * 40, header=True)])
def test_a_tag_that_is_cut_at_the_end_is_skipped_and_named_as_cut(tag: bytes) -> None:
    for size in range(8, len(tag)):
        (skipped,) = inspect(PLAIN + tag[:size]).skipped
        assert (skipped.what[-4:], skipped.where, skipped.size) == ("_cut", "behind", size)


def with_text(base: bytes, at: int, text: bytes) -> bytes:
    return base[:at] + text + base[at + len(text) :]


def empty(version: int = 0, last: int = 0xC4, *, protection: int = 1) -> bytes:
    """A frame without sound, as encoders put an Info frame into."""
    whole = frame(version, last=last, protection=protection)
    return whole[:4].ljust(len(whole), b"\0")


@pytest.mark.parametrize("word", [b"Xing", b"Info"])
@pytest.mark.parametrize(
    ("version", "last", "at"), [(3, 0x40, 36), (3, 0xC0, 21), (2, 0x40, 21), (2, 0xC0, 13), (0, 0x40, 21), (0, 0xC0, 13)]
)
def test_an_info_frame_is_not_audio(word: bytes, version: int, last: int, at: int) -> None:
    audio = frame(version, last=last) * 50
    info = with_text(empty(version, last), at, word + struct.pack(">II", 1, 50))
    told = inspect(info + audio)
    assert replace(told, announced_ms=0) == inspect(audio)
    assert told.announced_ms == told.duration_ms
    assert inspect(info.replace(struct.pack(">II", 1, 50), struct.pack(">II", 0, 50)) + audio) == inspect(audio)
    with_checksum = with_text(empty(version, last, protection=0), at + 2, word + struct.pack(">II", 1, 50))
    assert replace(inspect(with_checksum + audio), announced_ms=0) == inspect(audio)


def test_a_vbri_frame_is_not_audio() -> None:
    info = with_text(empty(), 36, b"VBRI" + b"\0" * 10 + struct.pack(">I", 50))
    assert replace(inspect(info + PLAIN), announced_ms=0) == inspect(PLAIN)


def test_the_frames_decide_and_not_what_the_file_says_of_itself() -> None:
    info = with_text(empty(), 13, b"Info" + struct.pack(">II", 1, 50))
    facts = inspect(info + frame() * 40)
    assert (facts.frames, facts.duration_ms, facts.announced_ms) == (40, 40 * 72, 50 * 72)
    with pytest.raises(RecordingEmpty):
        inspect(info)


@pytest.mark.parametrize("word", [b"Xing", b"Info", b"VBRI"])
def test_a_frame_of_audio_that_holds_the_word_by_chance_is_audio(word: bytes) -> None:
    at = 36 if word == b"VBRI" else 13
    assert inspect(with_text(frame(), at, word) + PLAIN).frames == 51


@pytest.mark.parametrize("vbr", [None, 4])
@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44100])
@pytest.mark.parametrize("ms", [100, 799, 2345])
def test_an_encoder_adds_less_than_the_tolerance(rate: int, ms: int, vbr: int | None) -> None:
    facts = inspect(real(rate, 64, ms / 1000, vbr=vbr))
    assert 0 <= facts.duration_ms - ms < TOLERANCE_MS


# --- what is no recording ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "HTML"),
        (b"\xef\xbb\xbf \n<HTML>", "HTML"),
        (b'<?xml version="1.0"?><Error/>', "XML"),
        (b'{"error": {"code": 401}}', "JSON"),
        (b"\0" * 5000, "zeros"),
        (b"\0", "zeros"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\0" * 50, "WAV"),
        (b"OggS" + b"\0" * 50, "Ogg"),
        (b"fLaC" + b"\0" * 50, "FLAC"),
        (b"\0\0\0\x20ftypM4A " + b"\0" * 50, "MP4"),
        (b"\x1aE\xdf\xa3" + b"\0" * 50, "WebM"),
        (b"\x1f\x8b\x08" + PLAIN, "gzip"),
        (b"\xff\xf1\x50\x80" + b"\0" * 50, "AAC"),
        (b"\xff\xfd\x80\x04" + b"\0" * 500, "MPEG layer 2"),
        (b"\xff\xff\x80\x04" + b"\0" * 500, "MPEG layer 1"),
        (b"\xff\xe3\x08\xc4" + b"\0" * 500, "free-format MP3"),
        (b"\xff\xe3\xf8\xc4" + b"\0" * 500, "damaged MP3"),
        (b"not found", "text"),
        ("見つかりません".encode(), "text"),
        (b"\x93\x01\x02\x03", "unknown data"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + b"\x01\x02" * 30 + PLAIN, "WAV"),
        (b"<html>" + b"\x01" * 60 + PLAIN, "HTML"),
        ("録音は見つかりませんでした".encode("cp932"), "text"),
        (frame(), "a single frame"),
    ],
)
def test_what_is_not_mp3_is_named(body: bytes, word: str) -> None:
    with pytest.raises(RecordingNotAudio) as caught:
        inspect(body)
    assert caught.value.detail == word


def test_nothing_is_empty() -> None:
    with pytest.raises(RecordingEmpty):
        inspect(b"")


@given(st.binary(min_size=1, max_size=3000))
@example(b"\xff\xe3\x28\xc4" * 36)
def test_random_bytes_are_never_audio(body: bytes) -> None:
    with pytest.raises(REFUSED):
        inspect(body)


@given(st.binary(max_size=3000))
def test_random_bytes_behind_a_good_header_are_never_audio(body: bytes) -> None:
    assume(body != PLAIN[4:144])
    with pytest.raises(REFUSED):
        inspect(PLAIN[:4] + body)


# --- damage -----------------------------------------------------------------------------------------------------------

DAMAGED = [(8000, 16), (11025, 16), (44100, 128)]


@given(st.sampled_from(DAMAGED), st.data())
def test_a_cut_at_any_byte_is_refused_or_shortens_the_audio(kind: tuple[int, int], data: st.DataObject) -> None:
    body = real(*kind)
    size = data.draw(st.integers(0, len(body) - 1))
    starts = offsets(body)
    try:
        facts = inspect(body[:size])
    except REFUSED:
        return
    whole = sum(start < size for start in starts)
    assert facts.frames in (whole, whole - 1)
    assert facts.short_by or facts.skipped or (size in starts and facts.duration_ms < inspect(body).duration_ms)


def test_a_cut_inside_the_last_frame_is_told_at_every_byte() -> None:
    for cut in range(1, 141):
        facts = inspect(PLAIN[:-cut])
        assert (facts.frames, facts.short_by) == (50, cut)
    for cut in range(141, 144):
        facts = inspect(PLAIN[:-cut])
        assert (facts.frames, facts.skipped) == (49, (Skipped("unknown", "behind", 1, 144 - cut),))


# Sync, version, layer; bitrate, sample rate, padding. The other bits change neither where a frame ends nor how long it sounds.
STRUCTURAL = [(0, bit) for bit in range(8)] + [(1, bit) for bit in range(1, 8)] + [(2, bit) for bit in range(1, 8)]


@given(st.sampled_from(DAMAGED), st.data())
def test_a_flipped_bit_in_a_header_is_refused_or_changes_the_duration(kind: tuple[int, int], data: st.DataObject) -> None:
    body = bytearray(real(*kind))
    before = inspect(bytes(body))
    byte, bit = data.draw(st.sampled_from(STRUCTURAL))
    body[data.draw(st.sampled_from(offsets(bytes(body)))) + byte] ^= 1 << bit
    try:
        after = inspect(bytes(body))
    except REFUSED:
        return
    assert after.duration_ms != before.duration_ms or after.short_by or after.skipped


@given(st.sampled_from(DAMAGED), st.data())
def test_a_lost_or_doubled_stretch_is_refused_or_changes_the_duration(kind: tuple[int, int], data: st.DataObject) -> None:
    body = real(*kind)
    start = data.draw(st.integers(0, len(body) - 1))
    length = data.draw(st.integers(1, len(body) - start))
    for damaged in (body[:start] + body[start + length :], body[: start + length] + body[start:]):
        try:
            after = inspect(damaged)
        except REFUSED:
            continue
        assert after.duration_ms != inspect(body).duration_ms or after.short_by or after.skipped


# --- where the bytes are ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [real(8000, 16), real(11025, 16), PLAIN[:-1], id3v2(50) + PLAIN + ID3V1, b"<html>", b"\0"])
def test_it_does_not_matter_where_the_bytes_are(body: bytes, tmp_path: Path) -> None:
    def answer(data: bytes | bytearray | memoryview | mmap.mmap) -> str:
        try:
            return str(inspect(data))
        except RokuonError as error:
            return str(error)

    path = tmp_path / "a.mp3"
    path.write_bytes(body)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        answers = {answer(data) for data in (body, bytearray(body), memoryview(body), mapped)}
    assert len(answers) == 1


def test_a_long_recording_is_not_copied_to_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.mp3"
    with path.open("wb") as file:
        for _ in range(40):
            file.write(frame() * 7282)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        tracemalloc.start()
        try:
            facts = inspect(mapped)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert facts.frames == 40 * 7282
    assert peak < 1 << 20
