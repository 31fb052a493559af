"""Chains of what is no frame: each link is a few bytes and much work, so there is a most, and everything real is far below it."""

import itertools
import random
import struct

import pytest

from rokuon.domain import audio
from rokuon.domain.audio import MOST_JOINS, MOST_TAGS
from rokuon.domain.failures import RecordingDamaged, RecordingNotAudio, RokuonError
from tests.audio import mp3

ID3 = b"ID3\x04\0\0" + b"\0\0\0\0"
TAGS = {
    "id3v2": ID3,
    "id3v2 footer": b"3DI\x04\0\0\0\0\0\0",
    "id3v1": b"TAG".ljust(128, b"x"),
    "ape": b"APETAGEX" + struct.pack("<IIII", 2000, 0, 0, 0x80000000 | 0x20000000).ljust(24, b"\0"),
    "lyrics3": b"LYRICSBEGINxLYRICSEND",
    "padding": b"\0\n",
}


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("place", ["front", "between", "behind"])
def test_a_chain_of_tags_is_refused_with_what_it_is(tag: str, place: str) -> None:
    chain = TAGS[tag] * 200_000
    parts = {"front": (chain, mp3(1), b""), "between": (mp3(1), chain, mp3(2)), "behind": (mp3(1), chain, b"")}[place]
    with pytest.raises(RecordingNotAudio if place == "front" else RecordingDamaged, match=f"more than {MOST_TAGS} tags in a row"):
        audio.inspect(b"".join(parts))


def test_a_chain_of_mixed_tags_is_refused_too() -> None:
    drawn = random.Random(7)
    chain = b"".join(drawn.choice(list(TAGS.values())) for _ in range(10_000))
    with pytest.raises(RecordingNotAudio, match="tags in a row"):
        audio.inspect(chain + mp3(1))


@pytest.mark.parametrize("many", [1, 5, MOST_TAGS])
def test_as_many_tags_as_programs_write_are_stepped_over(many: int) -> None:
    facts = audio.inspect(ID3 * many + mp3(1) + ID3 * many + mp3(2) + ID3 * many)
    assert facts.frames == audio.inspect(mp3(1)).frames + audio.inspect(mp3(2)).frames
    assert sum(one.times for one in facts.skipped) == 3 * many


def test_many_joined_files_are_one_recording_and_countless_ones_are_damaged() -> None:
    piece = mp3(1, 3)
    assert audio.inspect((ID3 + piece) * 500).joins == 499
    with pytest.raises(RecordingDamaged, match=f"more than {MOST_JOINS} times"):
        audio.inspect((ID3 + piece) * (MOST_JOINS + 2))


def test_what_was_refused_for_its_chain_can_still_be_looked_at() -> None:
    for chain in itertools.islice(TAGS.values(), 3):
        looks = audio.looks(chain * 10_000 + mp3(1))
        assert looks.name


def test_nothing_but_tags_is_no_audio() -> None:
    for tag in TAGS.values():
        with pytest.raises(RokuonError):
            audio.inspect(tag * 100_000)
