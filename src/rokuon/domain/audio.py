"""Proof that bytes are a whole MP3: every frame follows the one before, from the first byte to the last.

ISO/IEC 11172-3 and 13818-3 (and the usual MPEG-2.5 extension), layer III. Tags in front (ID3v2) and behind (ID3v1, APEv2) are stepped
over, the Xing, Info or VBRI frame is not counted as audio. Bytes are looked at, not decoded: damage inside a frame is the business of
checksums. A cut exactly between two frames shows only in the duration, hence `check_duration`.
"""

import codecs
from dataclasses import dataclass
from math import gcd
from mmap import mmap
from typing import NoReturn

from .failures import RecordingDurationDiffers, RecordingEmpty, RecordingNotAudio, RecordingTruncated

Data = bytes | bytearray | memoryview | mmap

_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = {0: (11025, 12000, 8000), 2: (22050, 24000, 16000), 3: (44100, 48000, 32000)}
_MPEG_1 = 3

_PERIODS_AT_ONCE = 1 << 16  # bounds a check's memory, however long the recording
_SNIFFED_BYTES = 512
_TAG_NAMES = (b"TAG", b"APETAGEX", b"ID3")


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """`frames` counts audio frames, `bitrate_kbps` is their average, `sample_rate` (Hz) the first one's."""

    format: str
    duration_ms: int
    frames: int
    bitrate_kbps: int
    sample_rate: int


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a header says: bytes with the header, samples of a channel."""

    length: int
    samples: int
    sample_rate: int
    kbps: int
    padding: int
    duration_ms: float


def _frames_by_header() -> dict[int, _Frame]:
    """Every valid pair of second and third header byte. Free format (bitrate 0) and the reserved values are not among them."""
    frames = {}
    for version, rates in _RATES.items():
        samples, table = (1152, _KBPS_1) if version == _MPEG_1 else (576, _KBPS_2)
        for kbps_index in range(1, 15):
            for rate_index, rate in enumerate(rates):
                for padding in (0, 1):
                    kbps = table[kbps_index]
                    length = samples // 8 * kbps * 1000 // rate + padding
                    frame = _Frame(length, samples, rate, kbps, padding, samples * 1000 / rate)
                    for protection in (0, 1):
                        for private in (0, 1):
                            second = 0xE0 | version << 3 | 0x02 | protection
                            third = kbps_index << 4 | rate_index << 2 | padding << 1 | private
                            frames[second << 8 | third] = frame
    return frames


_FRAMES = _frames_by_header()
_STEPS = {header: (frame.length, frame.duration_ms) for header, frame in _FRAMES.items()}
# The fourth byte is free but for one reserved emphasis.
_FOURTH = bytes(value for value in range(256) if value & 3 != 2)


def _frame_at(data: Data, at: int) -> _Frame | None:
    if data[at] != 0xFF or data[at + 3] & 3 == 2:
        return None
    return _FRAMES.get(data[at + 1] << 8 | data[at + 2])


def inspect(data: Data) -> AudioFacts:
    """What kind of audio these bytes are.

    Raises RecordingEmpty, RecordingNotAudio (naming what it looks like, or where the frames stop) or RecordingTruncated (the last
    frame, or a tag, is cut; or fewer frames than the file says of itself). Memory stays bounded for a mapped file of any size.
    """
    size = len(data)
    if size == 0:
        raise RecordingEmpty("no bytes")
    start = _after_front_tags(data, size)
    end = _before_back_tags(data, start, size)
    if start == end:
        raise RecordingEmpty("a tag and no audio")
    first = _frame_at(data, start) if start + 4 <= end else None
    if first is None:
        raise RecordingNotAudio(_looks_like(data, start, end))
    announced = None
    audio = start
    if start + first.length <= end and (header := _info_frame(bytes(data[start : start + first.length]))) is not None:
        announced = header
        audio = start + first.length
    frames, duration_ms = _walk_all(data, audio, end)
    if frames == 0:
        raise RecordingEmpty("no audio frame")
    if announced is None and frames == 1:
        # Four bytes that happen to look like a header are no proof; a second frame in the right place is.
        raise RecordingNotAudio("a single frame")
    # Encoders disagree on whether the count includes the frame that carries it.
    if announced and frames < announced - 1:
        raise RecordingTruncated(f"{frames} of {announced} frames")
    return AudioFacts("mp3", round(duration_ms), frames, round((end - audio) * 8 / duration_ms), first.sample_rate)


def _walk_all(data: Data, start: int, end: int) -> tuple[int, float]:
    """Number and duration (ms) of the frames that fill start..end exactly. Constant bitrate at C speed, the rest frame by frame."""
    steady_end, frames, duration_ms = _walk_steady(data, start, end)
    rest, rest_ms = _walk(data, steady_end, end)
    return frames + rest, duration_ms + rest_ms


def _walk(data: Data, start: int, end: int) -> tuple[int, float]:
    at, frames, duration_ms = start, 0, 0.0
    last_header = end - 4
    steps = _STEPS
    while at <= last_header:
        if data[at] != 0xFF or data[at + 3] & 3 == 2:
            break
        step = steps.get(data[at + 1] << 8 | data[at + 2])
        if step is None:
            break
        at += step[0]
        frames += 1
        duration_ms += step[1]
    if at > end:
        raise RecordingTruncated("ends inside a frame")
    if at < end:
        _refuse(data, at, end)
    return frames, duration_ms


def _walk_steady(data: Data, start: int, end: int) -> tuple[int, int, float]:
    """As far as a constant bitrate reaches: where it ends, frames, duration in ms. (start, 0, 0.0) where there is none.

    At a constant bitrate the pattern of padded frames repeats after a few frames (one, where frames need no padding; 49 in the
    44.1 kHz family). So the same header byte of every period lies a fixed stride apart and is compared in one slice.
    """
    first = _frame_at(data, start) if start + 4 <= end else None
    if first is None:
        return start, 0, 0.0
    rate_bits = first.samples // 8 * first.kbps * 1000
    period = first.sample_rate // gcd(rate_bits, first.sample_rate)
    stride = rate_bits * period // first.sample_rate
    periods = (end - start) // stride
    if periods < 2:
        return start, 0, 0.0
    headers = []
    at = start
    for _ in range(period):
        frame = _frame_at(data, at) if at + 4 <= end else None
        if frame is None or (frame.kbps, frame.sample_rate) != (first.kbps, first.sample_rate):
            return start, 0, 0.0
        headers.append((at - start, bytes({data[at + 1], data[at + 1] ^ 1}), bytes({data[at + 2], data[at + 2] ^ 1})))
        at += frame.length
    if at != start + stride:
        return start, 0, 0.0
    done = 0
    while done < periods:
        some = min(periods - done, _PERIODS_AT_ONCE)
        base = start + done * stride
        for offset, second, third in headers:
            for shift, allowed in ((0, b"\xff"), (1, second), (2, third), (3, _FOURTH)):
                seen = bytes(data[base + offset + shift : base + some * stride : stride])
                if seen.translate(None, allowed):
                    return base, done * period, done * period * first.duration_ms
        done += some
    return start + periods * stride, periods * period, periods * period * first.duration_ms


def _refuse(data: Data, at: int, end: int) -> NoReturn:
    rest = bytes(data[at : min(end, at + 8)])
    if rest.startswith(_TAG_NAMES):
        raise RecordingTruncated("ends inside a tag")
    if len(rest) < 4:
        raise RecordingTruncated("ends inside a frame header")
    raise RecordingNotAudio(f"no frame at byte {at}")


# --- tags and headers -------------------------------------------------------------------------------------------------


def _after_front_tags(data: Data, size: int) -> int:
    """Where the last ID3v2 tag in front ends (id3.org, ID3v2.4 section 3)."""
    at = 0
    while bytes(data[at : at + 3]) == b"ID3":
        head = bytes(data[at : at + 10])
        if len(head) < 10:
            raise RecordingTruncated("ends inside a tag")
        if max(head[6:10]) > 0x7F:
            raise RecordingNotAudio("a damaged ID3 tag")
        length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        at += 10 + length + (10 if head[5] & 0x10 else 0)
        if at > size:
            raise RecordingTruncated("ends inside a tag")
    return at


def _before_back_tags(data: Data, start: int, size: int) -> int:
    """Where the audio ends: before an ID3v1 tag (128 bytes) and an APEv2 tag, whose length stands in its footer."""
    end = size
    if end - start >= 128 and bytes(data[end - 128 : end - 125]) == b"TAG":
        end -= 128
    if end - start >= 32 and bytes(data[end - 32 : end - 24]) == b"APETAGEX":
        footer = bytes(data[end - 32 : end])
        has_header = footer[23] & 0x80
        length = int.from_bytes(footer[12:16], "little") + (32 if has_header else 0)
        if not 32 <= length <= end - start:
            raise RecordingNotAudio("a damaged APE tag")
        end -= length
    return end


def _info_frame(frame: bytes) -> int | None:
    """The number of frames that a Xing, Info or VBRI frame announces (0 where it names none); None for a frame of audio."""
    mpeg_1, mono, protected = frame[1] & 0x18 == 0x18, frame[3] & 0xC0 == 0xC0, not frame[1] & 1
    side = (17 if mono else 32) if mpeg_1 else (9 if mono else 17)
    at = 4 + side + (2 if protected else 0)
    for place in {at, 4 + side}:
        if frame[place : place + 4] in (b"Xing", b"Info"):
            named = len(frame) >= place + 12 and frame[place + 7] & 1
            return int.from_bytes(frame[place + 8 : place + 12], "big") if named else 0
    if frame[36:40] == b"VBRI":
        return int.from_bytes(frame[50:54], "big")
    return None


_MAGIC = (
    (b"OggS", "Ogg"),
    (b"fLaC", "FLAC"),
    (b"#!AMR", "AMR"),
    (b".snd", "AU"),
    (b"FORM", "AIFF"),
    (b"\x1aE\xdf\xa3", "WebM"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "ZIP"),
    (b"%PDF", "PDF"),
)


def _looks_like(data: Data, start: int, end: int) -> str:
    """A word for what was sent instead of MP3. Never part of what was sent."""
    head = bytes(data[start : min(end, start + _SNIFFED_BYTES)])
    if not head.strip(b"\0"):
        return "zeros"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "WAV"
    if head[4:8] == b"ftyp":
        return "MP4"
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<!--")):
        return "HTML"
    if text.startswith(b"<"):
        return "XML"
    if text.startswith((b"{", b"[")):
        return "JSON"
    if len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return _looks_like_mpeg(head)
    try:
        # final=False: the sniffed bytes may end inside a character.
        read, _ = codecs.utf_8_decode(head, "strict", False)
    except UnicodeDecodeError:
        return "unknown data"
    return "text" if read.replace("\n", " ").replace("\r", " ").replace("\t", " ").isprintable() else "unknown data"


def _looks_like_mpeg(head: bytes) -> str:
    layer = head[1] >> 1 & 3
    if layer == 0:
        return "AAC"
    if layer != 1:
        return f"MPEG layer {4 - layer}"
    return "free-format MP3" if head[2] >> 4 == 0 else "damaged MP3"


# --- duration ---------------------------------------------------------------------------------------------------------


def check_duration(measured_ms: int, listed_ms: int | None) -> None:
    """Raises RecordingDurationDiffers where the audio is not as long as the source listed; says nothing where it listed none.

    Allowed: the larger of 1 s and 3 %, for a source that rounds and an encoder that pads; never more than a quarter of the listed
    length, so that a short recording cannot be empty.
    """
    if listed_ms is None:
        return
    if abs(measured_ms - listed_ms) > min(max(1000, listed_ms * 0.03), listed_ms / 4):
        raise RecordingDurationDiffers(f"{measured_ms} ms of audio, {listed_ms} ms listed")
