"""What players step over is stepped over, named and counted; damage is not; and no bytes cost more steps than their number allows."""

import struct
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rokuon.domain import sniff
from rokuon.domain.audio import Skipped, inspect, looks
from rokuon.domain.failures import RecordingDamaged, RecordingNotAudio, RokuonError

from .test_audio import ID3V1, PLAIN, ape, crc, empty, frame, id3v2, real, with_text

REAL = real(8000, 16, 10)
FRAME = 144


def lyrics() -> bytes:
    text = b"LYRICSBEGIN" + b"LYR00010la la la la"
    return text + b"%06d" % len(text) + b"LYRICS200"


def info(count: int, *, delay: int = 0, padding: int = 0) -> bytes:
    lame = b"LAME3.100" + b"\0" * 12 + (delay << 12 | padding).to_bytes(3, "big") + b"\0" * 8
    return with_text(frame(kbps=3)[:4].ljust(216, b"\0"), 13, b"Info" + struct.pack(">II", 1, count) + lame)


TAGPLUS = b"TAG+" + b"\0" * 223
PLAIN_ID3 = b"ID3\x03\0\0" + (214).to_bytes(4, "big") + b"\x41" * 214
"""Its length is written as a plain number: read seven bits a byte, it would end elsewhere."""

KINDS: dict[str, tuple[bytes, Sequence[tuple[str, str, int, int]]]] = {
    "one zero byte behind": (PLAIN + b"\0", [("zeros", "behind", 1, 1)]),
    "many zero bytes behind": (PLAIN + b"\0" * 100_000, [("zeros", "behind", 1, 100_000)]),
    "zero bytes in front": (b"\0" * 10 + PLAIN, [("zeros", "front", 1, 10)]),
    "a line end behind": (PLAIN + b"\r\n", [("line_ends", "behind", 1, 2)]),
    "line ends in front": (b"\n\n" + PLAIN, [("line_ends", "front", 1, 2)]),
    "half a frame in front": (frame()[100:] + PLAIN, [("unknown", "front", 1, 44)]),
    "an ape tag in front": (ape(b"x" * 40, header=True) + PLAIN, [("ape", "front", 1, 104)]),
    "padding that the ID3 tag does not count": (id3v2(14) + b"\0" * 10 + PLAIN, [("id3v2", "front", 1, 24), ("zeros", "front", 1, 10)]),
    "an ID3 length that is a plain number": (PLAIN_ID3 + PLAIN, [("id3v2", "front", 1, 224)]),
    "an ID3 tag behind": (PLAIN + id3v2(14) + ID3V1, [("id3v1", "behind", 1, 128), ("id3v2", "behind", 1, 24)]),
    "the extended ID3v1 tag": (PLAIN + TAGPLUS + ID3V1, [("id3v1", "behind", 1, 128), ("id3v1_extended", "behind", 1, 227)]),
    "a title that begins with a plus": (PLAIN + b"TAG+1" + b"\0" * 123, [("id3v1", "behind", 1, 128)]),
    "an ape tag behind ID3v1": (PLAIN + ID3V1 + ape(b"xy", header=True), [("ape", "behind", 1, 66), ("id3v1", "behind", 1, 128)]),
    "the footer of an ape tag alone": (PLAIN + b"APETAGEX" + struct.pack("<IIII", 2000, 142, 3, 0) + b"\0" * 8, [("ape", "behind", 1, 32)]),
    "an ape tag without a header": (PLAIN + ape(b"x" * 40, header=False), [("ape", "behind", 1, 72)]),
    "a Lyrics3 tag": (PLAIN + lyrics() + ID3V1, [("id3v1", "behind", 1, 128), ("lyrics3", "behind", 1, len(lyrics()))]),
    "half a tag": (PLAIN + ID3V1[:70], [("id3v1_cut", "behind", 1, 70)]),
    "a few bytes of no meaning behind": (PLAIN + b"\xff" * 99, [("unknown", "behind", 1, 99)]),
    "joined files, a tag between": (PLAIN + ID3V1 + PLAIN + ID3V1, [("id3v1", "behind", 1, 128), ("id3v1", "between", 1, 128)]),
    "joined files, zero bytes between": (PLAIN + b"\0" * 37 + PLAIN, [("zeros", "between", 1, 37)]),
    "joined files with a tag and an Info frame each": (
        (id3v2(35) + info(50) + PLAIN) * 3,
        [("id3v2", "between", 2, 90), ("id3v2", "front", 1, 45)],
    ),
    "joined files, the first cut inside a frame by a tag": (
        PLAIN + frame()[:100] + id3v2(35) + info(50) + PLAIN,
        [("short_frame", "between", 1, 100), ("id3v2", "between", 1, 45)],
    ),
    "joined files, the first cut inside a frame by its own tag": (
        PLAIN + frame()[:60] + ID3V1 + PLAIN + ID3V1,
        [("short_frame", "between", 1, 60), ("id3v1", "behind", 1, 128), ("id3v1", "between", 1, 128)],
    ),
    "joined files, the first cut inside a frame by an Info frame": (
        PLAIN + frame()[:99] + info(50) + PLAIN,
        [("short_frame", "between", 1, 99)],
    ),
    "a short last frame and tags": (
        PLAIN + frame()[:100] + ape(b"x" * 40, header=True) + ID3V1,
        [("ape", "behind", 1, 104), ("short_frame", "behind", 1, 100), ("id3v1", "behind", 1, 128)],
    ),
    "a whole file without anything else": (REAL, []),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_players_skip_is_skipped_named_and_counted(kind: str) -> None:
    body, expected = KINDS[kind]
    facts = inspect(body)
    assert list(facts.skipped) == sorted((Skipped(*one) for one in expected), key=lambda one: (one.what, one.where))
    files = 3 if "Info frame each" in kind else 2 if kind.startswith("joined") else 1
    assert facts.joins == files - 1
    if body is not REAL:
        assert (facts.frames, facts.duration_ms) == (50 * files, 50 * files * 72)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "joined" not in kind and not kind.startswith(("a whole", "a short"))])
def test_the_same_around_a_file_from_an_encoder(kind: str) -> None:
    body, expected = KINDS[kind]
    facts = inspect(body.replace(PLAIN, REAL))
    assert (list(facts.skipped), facts.duration_ms) == ([Skipped(*one) for one in expected], inspect(REAL).duration_ms)


@pytest.mark.parametrize("short", [1, 20, 140])
def test_a_short_last_frame_counts_and_is_told(short: int) -> None:
    assert (inspect(REAL[:-short]).short_by, inspect(REAL[:-short]).frames) == (short, inspect(REAL).frames)


def test_the_encoders_delay_and_padding_are_read_from_each_info_frame() -> None:
    facts = inspect((id3v2(35) + info(50, delay=576, padding=1000) + PLAIN) * 2)
    assert (facts.silent_ms, facts.announced_ms) == (2 * 197, 2 * 50 * 72)


@pytest.mark.parametrize("body", [REAL + b"<html><body>Sign in</body></html>", REAL + b'{"error": 502}', PLAIN + b"\x80\x11" * 800])
def test_a_page_or_a_longer_stretch_behind_the_audio_is_no_audio(body: bytes) -> None:
    with pytest.raises(RecordingDamaged, match="no frame at byte"):
        inspect(body)


@pytest.mark.parametrize(
    "body",
    [
        PLAIN + b"\x01" * 10 + PLAIN,
        PLAIN + frame()[1:] + PLAIN,
        PLAIN[:-44] + PLAIN + PLAIN,
        # A word of a tag, and no tag.
        PLAIN + with_text(frame(), 50, b"ID3")[:100] + b"\x01" * 2000 + PLAIN,
        PLAIN + with_text(frame(), 50, b"TAG")[:100] + PLAIN,
        PLAIN + with_text(frame(), 50, b"Info")[:100] + PLAIN,
        PLAIN + with_text(frame(), 0, b"\xff\x00") + PLAIN,
    ],
)
def test_what_is_no_frame_among_frames_is_damage(body: bytes) -> None:
    with pytest.raises(RecordingDamaged):
        inspect(body)


# --- checksums of frames ----------------------------------------------------------------------------------------------

CHECKED = frame(protection=0) * 50


@pytest.mark.parametrize(("version", "rate", "last"), [(0, 2, 0xC4), (0, 2, 0x44), (2, 0, 0xC4), (3, 0, 0xC4), (3, 0, 0x44)])
def test_frames_that_carry_a_checksum_are_checked(version: int, rate: int, last: int) -> None:
    assert inspect(frame(version, rate, 5, protection=0, last=last) * 20).checked == 20
    assert inspect(frame(version, rate, 5, last=last) * 20).checked == 0


@given(st.integers(0, 49), st.integers(4, 22), st.integers(0, 7))
def test_a_flipped_bit_that_a_checksum_covers_is_damage(which: int, byte: int, bit: int) -> None:
    body = bytearray(CHECKED)
    body[which * FRAME + byte % 15 + 4] ^= 1 << bit  # CRC: bytes 4 and 5; side information of mono: the nine behind them
    if byte % 15 + 4 < 15:
        with pytest.raises(RecordingDamaged, match=f"the checksum of the frame at byte {which * FRAME} does not fit"):
            inspect(bytes(body))
    else:
        assert inspect(bytes(body)).checked == 50


def test_the_checksum_is_the_one_of_the_standard() -> None:
    # A frame that lame 3.100 wrote (lame -m m -b 16 -p, 8 kHz), up to the end of its side information.
    head = bytes.fromhex("ffe228c4a7cb001730e298a1481802")
    assert crc(head[2:4] + head[6:15]) == head[4:6]


# --- what was sent instead --------------------------------------------------------------------------------------------

KEPT = {
    "WAV": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(range(200)), "wav", "audio/wav"),
    "MP3 in a WAV": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(range(84)) + PLAIN, "wav", "audio/wav"),
    "MP3 inside RIFF": (b"RIFF\x24\0\0\0RMP3data" + PLAIN, "rmi", "audio/mpeg"),
    "Ogg": (b"OggS" + bytes(50), "ogg", "audio/ogg"),
    "FLAC": (b"fLaC" + bytes(50), "flac", "audio/flac"),
    "MP4": (b"\0\0\0\x20ftypM4A " + bytes(50), "m4a", "audio/mp4"),
    "AMR": (b"#!AMR\n" + bytes(50), "amr", "audio/amr"),
    "damaged MP3": (PLAIN + b"\x01" * 10 + PLAIN, "mp3", "audio/mpeg"),
    "a tag and a WAV": (id3v2(20) + b"RIFF\x24\0\0\0WAVEfmt " + bytes(range(200)), "wav", "audio/wav"),
    "unknown": (bytes(range(256)) * 4, "bin", "application/octet-stream"),
}
NEVER_KEPT = [
    b"<!DOCTYPE html><html>", b"<html>" + PLAIN, b'<?xml version="1.0" encoding="Shift_JIS"?>' + "録音".encode("cp932"), b'{"error": 1}',
    b"[]", b"not found", "見つかりません".encode(), "見つかりません".encode("cp932"), "見つかりません".encode("euc_jp"),
    b"\xff\xfe" + "not found".encode("utf-16-le"), bytes(3000), b"%PDF-1.7", b"PK\x03\x04" + bytes(99), b"\x1f\x8b\x08" + bytes(99),
    "録音".encode() * 300, b"\r\n<html>", b"\0<html>",
    # Text that does not say its encoding, in others than the usual ones, and what is known to be no audio.
    "<html>not found</html>".encode("utf-16-le"), '{"error": 1}'.encode("utf-16-be"), "見つかりません".encode("iso2022_jp"),
    "Fichier non trouvé, réessayez plus tard".encode("latin-1"), "<p>录音未找到</p>".encode("gbk"), "Änderung nötig".encode("latin-1"),
    "녹음을 찾을 수 없습니다".encode("euc_kr"), b"\x89PNG\r\n\x1a\n" + bytes(99), b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(99),
    b"GIF89a" + bytes(99), b"RIFF\x24\0\0\0WEBPVP8 " + bytes(99), b"\0\0\0\x20ftypheic" + bytes(99), b"\x7fELF\x02" + bytes(99),
    b"BZh91AY" + bytes(range(99)), b"\xfd7zXZ\0" + bytes(range(99)), b"\x28\xb5\x2f\xfd" + bytes(range(99)), b"7z\xbc\xaf" + bytes(99),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99),
]  # fmt: skip


@pytest.mark.parametrize("kind", KEPT)
def test_what_may_be_audio_is_known_by_its_bytes(kind: str) -> None:
    body, extension, content_type = KEPT[kind]
    found = looks(body)
    assert (found.extension, found.content_type, found.may_be_audio) == (extension, content_type, True)
    with pytest.raises(RokuonError):
        inspect(body)


@pytest.mark.parametrize("body", NEVER_KEPT)
def test_pages_texts_and_archives_are_not_audio(body: bytes) -> None:
    assert not looks(body).may_be_audio
    with pytest.raises(RecordingNotAudio):
        inspect(body)


@given(st.binary(min_size=1, max_size=3000))
def test_a_word_is_found_for_any_bytes(body: bytes) -> None:
    assert isinstance(looks(body), sniff.DetectedFormat)


# --- steps ------------------------------------------------------------------------------------------------------------


class Counting(bytes):
    """Bytes that count how many of them are looked at."""

    looked_at = 0

    def __getitem__(self, key):  # type: ignore[no-untyped-def, override]
        found = super().__getitem__(key)
        type(self).looked_at += len(found) if isinstance(found, bytes) else 1
        return found


PIECES = [
    frame(), frame(kbps=14), frame(3, 0, 9), frame(protection=0), b"\0", b"\r\n", ID3V1, id3v2(0), id3v2(5), b"ID3\x04\0\0\x7f\x7f\x7f\x7f",
    b"APETAGEX" + struct.pack("<IIII", 2000, 33, 1, 0) + b"\0" * 8, b"APETAGEX" + struct.pack("<IIII", 2000, 32, 1, 0xA0000000) + b"\0" * 8,
    b"xAPETAGEX" + struct.pack("<IIII", 2000, 33, 1, 0) + b"\0" * 8, b"LYRICSBEGIN", b"LYRICSBEGINLYRICSEND", b"LYRICS200", empty(),
    b"TAG+",
    b"\xff\xe3\x28\xc4", b"\x55", info(7),
]  # fmt: skip


@given(st.lists(st.tuples(st.lists(st.sampled_from(PIECES), min_size=1, max_size=4), st.integers(1, 1500)), min_size=1, max_size=4))
@example([([frame(), b"\0"], 4000)])
@example([([frame(), b"\r\n", frame(kbps=14)], 1500)])
@example([([frame() * 2, b"LYRICSBEGINLYRICSEND"], 4000)])
@example([([frame() * 2, PIECES[12]], 4000)])
@example([([b"LYRICSBEGIN"], 9000)])
@example([([frame(3, 0, 9) * 60, b"\0"], 40)])
@example([([frame(3, 0, 14)[:4], id3v2(0)], 1500)])
@example([([frame(3, 0, 14) * 2 + frame(3, 0, 14)[:9], id3v2(0)], 1500)])
@example([([frame() * 2 + frame()[:9], id3v2(0)], 1500)])
def test_the_walk_is_linear_whatever_the_bytes_are(parts: list[tuple[list[bytes], int]]) -> None:
    body = b"".join(b"".join(pieces) * times for pieces, times in parts)
    Counting.looked_at = 0
    with suppress(RokuonError):
        inspect(Counting(body))
    assert Counting.looked_at <= 40 * len(body) + 100_000
