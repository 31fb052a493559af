"""Names that are not what they look like: hidden characters, and words in letters of two alphabets that look alike (Q16).

A name is shown as it is, kept apart from its surroundings; what is odd about it is said beside it. Nothing is decided by it.
"""

import re
import unicodedata

from django.utils.translation import gettext as _

_ALIKE = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC")
_WORD = re.compile(r"[^\W\d_]+")
# Joiners and selectors are how emoji and Persian are written.
_INNOCENT = {"\u200c", "\u200d"}


def oddity(text: str) -> str:
    """What is odd about a name, as a sentence; "" for nearly all."""
    if text.isascii():
        return ""
    if any(unicodedata.category(letter) == "Cf" and letter not in _INNOCENT and not _is_tag(letter) for letter in text):
        return _("This name holds characters that cannot be seen; it may not read as it is written.")
    if any(len(_alphabets(word)) > 1 for word in _WORD.findall(unicodedata.normalize("NFKC", text))):
        return _("This name mixes letters of alphabets that look alike.")
    return ""


def _is_tag(letter: str) -> bool:
    """Flags of regions are spelled with these."""
    return "\U000e0020" <= letter <= "\U000e007f"


def _alphabets(word: str) -> set[str]:
    return {alphabet for letter in word for alphabet in _ALIKE if unicodedata.name(letter, "").startswith(alphabet)}
