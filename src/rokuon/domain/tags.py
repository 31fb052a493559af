"""Recognise tags and padding around and between MP3 frames, which players skip.

ID3v2 (id3.org), ID3v1 and its extension TAG+, APEv1 and APEv2, Lyrics3. Programs write them in unusual orders, with wrong lengths and
incompletely.
"""

from dataclasses import dataclass

from .mpeg import Data, frame_at

WORDS = (b"ID3", b"TAG", b"APETAGEX")
"""The words with which tags begin."""
_FIRST_LOOK, _LONGEST_LOOK = 1 << 8, 1 << 16
"""A range is read in pieces of doubling size: short ranges cost little, so that many short ranges cost no more than one long range."""
_LONGEST_LYRICS = 1 << 20
_LONGEST_ITEMS = 1 << 16
"""Limit for an APE tag without a header, which has only a footer after its items."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A tag or padding: its `name`; it ends before byte `end`. `cut`: the file ends before the tag does."""

    name: str
    end: int
    cut: bool = False


def skip_at(data: Data, at: int, size: int) -> Skip | None:
    """Return the tag or padding that starts at `at`; None if there is none. Reads no more than it skips, or a bounded range."""
    head = bytes(data[at : at + 4])
    if head[:1] == b"\0":
        return Skip("zeros", _run_end(data, at, size, b"\0"))
    if head[:1] in (b"\r", b"\n"):
        return Skip("line_ends", _run_end(data, at, size, b"\r\n"))
    found: Skip | None = None
    if head[:3] == b"ID3":
        found = _id3v2(data, at, size)
    elif head[:3] == b"3DI":
        found = Skip("id3v2", at + 10)
    elif head[:3] == b"TAG":
        extended = head == b"TAG+" and bytes(data[at + 227 : at + 230]) == b"TAG"
        found = Skip("id3v1_extended", at + 227) if extended else Skip("id3v1", at + 128)
    elif head == b"APET" and bytes(data[at : at + 8]) == b"APETAGEX":
        found = _ape(data, at)
    elif head == b"LYRI" and bytes(data[at : at + 11]) == b"LYRICSBEGIN":
        found = _lyrics(data, at, size)
    if found is not None and found.end > size:
        return Skip(found.name, size, cut=True)
    return found


def items_of_ape(data: Data, at: int, size: int) -> Skip | None:
    """Return an APE tag without a header whose items start at `at`; the length in its footer identifies it."""
    found = find(data, at, size, (b"APETAGEX",), _LONGEST_ITEMS)
    footer = bytes(data[found : found + 32]) if found is not None else b""
    if found is None or len(footer) < 32:
        return None
    return Skip("ape", found + 32) if int.from_bytes(footer[12:16], "little") == found + 32 - at else None


def find(data: Data, at: int, size: int, words: tuple[bytes, ...], longest: int) -> int | None:
    """Return the offset of the first of these words, within `longest` bytes."""
    look = _FIRST_LOOK // 4
    while True:
        text = bytes(data[at : min(size, at + look)])
        found = [place for word in words if (place := text.find(word)) >= 0]
        if found:
            return at + min(found)
        if look >= longest or at + look >= size:
            return None
        look *= 4


def _run_end(data: Data, at: int, size: int, of: bytes) -> int:
    look = _FIRST_LOOK
    while at < size:
        piece = bytes(data[at : min(size, at + look)])
        rest = piece.lstrip(of)
        if rest:
            return at + len(piece) - len(rest)
        at += len(piece)
        look = min(2 * look, _LONGEST_LOOK)
    return size


def _id3v2(data: Data, at: int, size: int) -> Skip:
    """Find the end of an ID3v2 tag. Its length has seven bits per byte. Some programs write a plain number, and some do not count the
    padding, so the data after the tag decides."""
    head = bytes(data[at : at + 10])
    if len(head) < 10:
        return Skip("id3v2", size + 1)
    footer = 10 if head[5] & 0x10 else 0
    ends = []
    if max(head[6:10]) < 0x80:
        ends.append(at + 10 + footer + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]))
    ends.append(at + 10 + footer + int.from_bytes(head[6:10], "big"))
    for end in ends:
        if end == size or (end < size and goes_on(data, end, size)):
            return Skip("id3v2", end)
    return Skip("id3v2", next((end for end in ends if end <= size), ends[0]))


def goes_on(data: Data, at: int, size: int) -> bool:
    """Whether a frame, a tag or padding starts here."""
    head = bytes(data[at : at + 3])
    return frame_at(data, at, size) is not None or head[:1] in (b"\0", b"\r", b"\n") or head in (b"ID3", b"3DI", b"TAG", b"APE", b"LYR")


def _ape(data: Data, at: int) -> Skip:
    head = bytes(data[at : at + 32])
    is_header = len(head) == 32 and head[23] & 0x20
    return Skip("ape", at + 32 + (int.from_bytes(head[12:16], "little") if is_header else 0))


def _lyrics(data: Data, at: int, size: int) -> Skip | None:
    found = find(data, at, size, (b"LYRICS200", b"LYRICSEND"), _LONGEST_LYRICS)
    if found is not None:
        return Skip("lyrics3", found + len(b"LYRICSEND"))
    return Skip("lyrics3", size + 1) if size - at < _LONGEST_LYRICS else None
