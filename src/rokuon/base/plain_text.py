"""Read text that a person pastes or gives in a file, without the marks that editors add around it."""

import codecs
from pathlib import Path

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UNSEEN = "\ufeff\u200b\u200c\u200d\u2060\u00ad"
"""Byte order mark, zero-width characters, soft hyphen: pages and editors leave them at the ends of copied text."""


def decoded(data: bytes) -> str:
    """Decode UTF-8, with or without a byte order mark, or UTF-16 with one, as Windows writes files. Raises ValueError if it is not text."""
    text = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    if "\0" in text:
        raise ValueError("no text")
    return text


def read_text(path: Path, longest: int = -1) -> str:
    """Return the text of a file, of `longest` bytes at most. Raises OSError, and ValueError if it is not text."""
    with path.open("rb") as file:
        return decoded(file.read(longest))


def bare(text: str) -> str:
    """Return the text without blanks and invisible characters at its ends."""
    before = None
    while text != before:
        before, text = text, text.strip().strip(_UNSEEN)
    return text
