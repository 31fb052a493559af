"""Detect the format of bytes that are not a valid MP3, and whether they are worth keeping."""

import codecs
from dataclasses import dataclass

from .mpeg import Data

SNIFFED_BYTES = 512


@dataclass(frozen=True, slots=True)
class DetectedFormat:
    """A detected format. `name` is a fixed word, never part of the bytes. `extension` and `content_type` are set for possible audio, and ""
    for the rest: pages, texts and archives."""

    name: str
    extension: str = ""
    content_type: str = ""

    @property
    def may_be_audio(self) -> bool:
        return bool(self.extension)


_UNKNOWN = DetectedFormat("unknown data", "bin", "application/octet-stream")
_MAGIC = (
    (b"OggS", DetectedFormat("Ogg", "ogg", "audio/ogg")),
    (b"fLaC", DetectedFormat("FLAC", "flac", "audio/flac")),
    (b"#!AMR", DetectedFormat("AMR", "amr", "audio/amr")),
    (b".snd", DetectedFormat("AU", "au", "audio/basic")),
    (b"FORM", DetectedFormat("AIFF", "aiff", "audio/aiff")),
    (b"\x1aE\xdf\xa3", DetectedFormat("WebM", "webm", "audio/webm")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", DetectedFormat("WMA", "wma", "audio/x-ms-wma")),
    (b"caff", DetectedFormat("CAF", "caf", "audio/x-caf")),
    (b"RF64", DetectedFormat("WAV", "wav", "audio/wav")),
    (b"\x1f\x8b", DetectedFormat("gzip")),
    (b"PK\x03\x04", DetectedFormat("ZIP")),
    (b"%PDF", DetectedFormat("PDF")),
    *((magic, DetectedFormat("an archive")) for magic in (b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")),
    *((magic, DetectedFormat("an image")) for magic in (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"\0\0\1\0")),
    *((magic, DetectedFormat("a document")) for magic in (b"{\\rtf", b"\xd0\xcf\x11\xe0")),
    *((magic, DetectedFormat("a program")) for magic in (b"\x7fELF", b"MZ")),
)
_MP3 = "audio/mpeg"
_LINE_ENDS = str.maketrans("\r\n\t", "   ")
_NO_TEXT = frozenset({*range(0x20), 0x7F, 0xFF}) - frozenset(b"\r\n\t")


def looks_like(head: bytes) -> DetectedFormat:
    """Detect the format. `head` is the first bytes after any tags, up to SNIFFED_BYTES. No bytes at all count as text."""
    if not head.strip(b"\0"):
        return DetectedFormat("zeros") if head else DetectedFormat("text")
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return DetectedFormat("WAV", "wav", "audio/wav")
    if head[:4] == b"RIFF" and head[8:12] == b"RMP3":
        return DetectedFormat("MP3 inside RIFF", "rmi", _MP3)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return DetectedFormat("an image")
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis"):
        return DetectedFormat("an image")
    if head[4:8] == b"ftyp":
        return DetectedFormat("MP4", "m4a", "audio/mp4")
    for magic, looks in _MAGIC:
        if head.startswith(magic):
            return looks
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\0 \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<script", b"<!--")):
        return DetectedFormat("HTML")
    if text.startswith(b"<?xml"):
        return DetectedFormat("XML")
    if is_text(head):
        if text.startswith(b"<"):
            return DetectedFormat("XML")
        return DetectedFormat("JSON") if text.startswith((b"{", b"[")) else DetectedFormat("text")
    if len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return _mpeg(head)
    return _UNKNOWN


def is_text(head: bytes) -> bool:
    """Whether the bytes are printable characters in UTF-8, UTF-16 (without a byte order mark: ASCII only), an older Japanese encoding, or
    any other encoding without control characters. The last character may be cut. Audio rarely has ten bytes in a row without a control
    character."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return _printable(head, "utf-16")
    for high, low in ((head[1::2], head[::2]), (head[::2], head[1::2])):
        if high and not high.strip(b"\0") and _printable(low, "ascii"):
            return True
    if any(_printable(head.removeprefix(b"\xef\xbb\xbf"), encoding) for encoding in ("utf-8", "cp932", "euc_jp", "iso2022_jp")):
        return True
    return not _NO_TEXT.intersection(head)


def _printable(head: bytes, encoding: str) -> bool:
    try:
        # final=False: the sniffed bytes may end inside a character.
        read = codecs.getincrementaldecoder(encoding)().decode(head, final=False)
    except UnicodeDecodeError:
        return False
    return read.translate(_LINE_ENDS).isprintable()


def _mpeg(head: bytes) -> DetectedFormat:
    layer = head[1] >> 1 & 3
    if layer == 0:
        return DetectedFormat("AAC", "aac", "audio/aac")
    if layer != 1:
        return DetectedFormat(f"MPEG layer {4 - layer}", f"mp{4 - layer}", _MP3)
    return DetectedFormat("free-format MP3" if head[2] >> 4 == 0 else "damaged MP3", "mp3", _MP3)


def head_of(data: Data, at: int) -> bytes:
    return bytes(data[at : at + SNIFFED_BYTES])
