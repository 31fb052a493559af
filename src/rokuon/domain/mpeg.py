"""Parser for headers, checksums and Info frames of MPEG layer III (ISO/IEC 11172-3, 13818-3, and the usual MPEG-2.5 extension).

It does not decode audio.
"""

from dataclasses import dataclass
from mmap import mmap

Data = bytes | bytearray | memoryview | mmap

_KBPS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = {0: (11025, 12000, 8000), 2: (22050, 24000, 16000), 3: (44100, 48000, 32000)}
_MPEG_1 = 3

LONGEST = 1441
"""Length in bytes of the longest frame of layer III: MPEG-1, 320 kbit/s, 32 kHz, with padding."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The values of a header. `length`: bytes including the header. `samples`: per channel. `protected`: a CRC follows the header."""

    length: int
    samples: int
    sample_rate: int
    kbps: int
    padding: int
    protected: bool
    duration_ms: float


def _frames_by_header() -> dict[int, Frame]:
    """Return a frame for every valid pair of second and third header byte; free format (bitrate 0) and reserved values are left out."""
    frames = {}
    for version, rates in _RATES.items():
        samples, table = (1152, _KBPS_1) if version == _MPEG_1 else (576, _KBPS_2)
        for kbps_index in range(1, 15):
            for rate_index, rate in enumerate(rates):
                for padding in (0, 1):
                    kbps = table[kbps_index]
                    length = samples // 8 * kbps * 1000 // rate + padding
                    for unprotected in (0, 1):
                        frame = Frame(length, samples, rate, kbps, padding, not unprotected, samples * 1000 / rate)
                        for private in (0, 1):
                            second = 0xE0 | version << 3 | 0x02 | unprotected
                            third = kbps_index << 4 | rate_index << 2 | padding << 1 | private
                            frames[second << 8 | third] = frame
    return frames


FRAMES = _frames_by_header()
PLAIN_STEPS = {header: (frame.length, frame.duration_ms) for header, frame in FRAMES.items() if not frame.protected}
"""Length in bytes and duration in ms of every frame without a CRC, by header."""

FOURTH = bytes(value for value in range(256) if value & 3 != 2)
"""Allowed values of a header's fourth byte: all except those with the one reserved emphasis."""


def frame_at(data: Data, at: int, end: int) -> Frame | None:
    """Return the frame whose header is at `at`, or None. The header must end at or before `end`."""
    if at + 4 > end or data[at] != 0xFF or data[at + 3] & 3 == 2:
        return None
    return FRAMES.get(data[at + 1] << 8 | data[at + 2])


def _side_bytes(second: int, fourth: int) -> int:
    """Return the length of the side information, which follows the header and the CRC."""
    mono = fourth & 0xC0 == 0xC0
    if second & 0x18 == 0x18:
        return 17 if mono else 32
    return 9 if mono else 17


# --- the checksum of a frame ------------------------------------------------------------------------------------------


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x8005 if crc & 0x8000 else crc << 1) & 0xFFFF
        table.append(crc)
    return tuple(table)


_CRC = _crc_table()


def checksum_fits(frame: bytes) -> bool:
    """Whether the CRC of a complete protected frame matches; it covers the second half of the header and the side information."""
    crc = 0xFFFF
    for byte in frame[2:4] + frame[6 : 6 + _side_bytes(frame[1], frame[3])]:
        crc = (crc << 8 & 0xFFFF) ^ _CRC[crc >> 8 ^ byte]
    return crc == frame[4] << 8 | frame[5]


# --- the frame that describes a file ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Info:
    """A Xing, Info or VBRI frame. `frames` is the number that it announces (0: none); `silent` is the padding around the sound in samples,
    if the encoder states it. The encoder wrote these values, and they may be wrong."""

    frames: int = 0
    silent: int = 0


INFO_WORDS = (b"Xing", b"Info")
INFO_BYTES = 192
"""Later bytes of an Info frame contain nothing about the file."""
_SIDES = (9, 17, 32)


def info_starts(word: int) -> tuple[int, ...]:
    """Return the possible starts of an Info frame whose word is at this offset."""
    return tuple(word - 4 - side for side in _SIDES)


def info_frame(frame: bytes) -> Info | None:
    """Parse a frame, of which at least the first INFO_BYTES are given. None for an audio frame, even if it contains the word by chance,
    since only an Info frame has empty side information."""
    unprotected = frame[1] & 1
    side = _side_bytes(frame[1], frame[3])
    for at in {4 + side + (0 if unprotected else 2), 4 + side}:
        if frame[at : at + 4] in INFO_WORDS and not frame[6:at].strip(b"\0"):
            return _xing(frame, at)
    if frame[36:40] == b"VBRI" and not frame[6:36].strip(b"\0"):
        return Info(int.from_bytes(frame[50:54], "big"))
    return None


def _xing(frame: bytes, at: int) -> Info:
    flags = frame[at + 7] if len(frame) > at + 7 else 0
    frames = int.from_bytes(frame[at + 8 : at + 12], "big") if flags & 1 else 0
    lame = at + 8 + (4 if flags & 1 else 0) + (4 if flags & 2 else 0) + (100 if flags & 4 else 0) + (4 if flags & 8 else 0)
    if frame[lame : lame + 4] not in (b"LAME", b"Lavf", b"Lavc", b"L3.9") or len(frame) < lame + 24:
        return Info(frames)
    packed = int.from_bytes(frame[lame + 21 : lame + 24], "big")
    return Info(frames, (packed >> 12) + (packed & 0xFFF))
