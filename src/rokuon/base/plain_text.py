"""Text that somebody hands over in a file or pastes: what editors put around it does not belong to it."""

import codecs
from pathlib import Path

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UNSEEN = "\ufeff\u200b\u200c\u200d\u2060\u00ad"
"""Byte order mark, zero-width characters, soft hyphen: what pages and editors leave at the ends of a copied text."""


def decoded(data: bytes) -> str:
    """UTF-8, with or without a byte order mark, or UTF-16 with one, as Windows writes files. Raises ValueError for what is no text."""
    text = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    if "\0" in text:
        raise ValueError("no text")
    return text


def read_text(path: Path, longest: int = -1) -> str:
    """The text of a file, of `longest` bytes at most. Raises OSError, and ValueError for what is no text."""
    with path.open("rb") as file:
        return decoded(file.read(longest))


def bare(text: str) -> str:
    """Without blanks and unseen characters at its ends."""
    before = None
    while text != before:
        before, text = text, text.strip().strip(_UNSEEN)
    return text
