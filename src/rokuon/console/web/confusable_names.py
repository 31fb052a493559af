"""Detects misleading names: hidden characters, and words that mix letters of alphabets that look alike (Q16).

The console shows a name unchanged, isolated from the text around it, with the warning beside it. No decision depends on it.
"""

import re
import unicodedata

from django.utils.translation import gettext as _

_ALIKE = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")
_WORD = re.compile(r"[^\W\d_]+")
# Emoji and Persian need joiners and selectors.
_INNOCENT = {"\u200c", "\u200d"}


def oddity(text: str) -> str:
    """Return what is odd about a name, as a sentence; "" for nearly all names."""
    if text.isascii():
        return ""
    if any(unicodedata.category(letter) == "Cf" and letter not in _INNOCENT and not _is_tag(letter) for letter in text):
        return _("This name holds characters that cannot be seen; it may not read as it is written.")
    if any(len(_alphabets(word)) > 1 for word in _WORD.findall(unicodedata.normalize("NFKC", text))):
        return _("This name mixes letters of alphabets that look alike.")
    return ""


def _is_tag(letter: str) -> bool:
    """Whether it is a tag character. Emoji flags of regions consist of these."""
    return "\U000e0020" <= letter <= "\U000e007f"


def _alphabets(word: str) -> set[str]:
    return {alphabet for letter in word for alphabet in _ALIKE if unicodedata.name(letter, "").startswith(alphabet)}
