"""Compare names of people as a reader does: case, width, accents and the order of the words make no difference."""

import unicodedata
from functools import lru_cache
from itertools import permutations

_KEPT_MARKS = "\u3099\u309a"
"""The voicing marks of kana: か and が are different letters, unlike e and é."""

_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"})
"""Letters of which Unicode knows no form without the stroke or the ligature."""

_ORDERED = 4
"""Up to this many words of a name are joined in every order."""


@lru_cache(maxsize=65_536)
def fold(text: str) -> str:
    """Return the form in which names are compared: NFKC, without case and accents."""
    apart = unicodedata.normalize("NFKD", text)
    bare = "".join(one for one in apart if one in _KEPT_MARKS or unicodedata.category(one) != "Mn")
    return unicodedata.normalize("NFKC", bare.casefold().translate(_LETTERS)).casefold()


@lru_cache(maxsize=65_536)
def _joined(folded: str) -> tuple[str, ...]:
    """Return the name without spaces, with its words in every order: people type 山田太郎 for 山田 太郎."""
    words = folded.split()
    return tuple("".join(order) for order in permutations(words)) if 1 < len(words) <= _ORDERED else ("".join(words),)


def fits(sought: str, name: str) -> bool:
    """Whether each word of `sought` is a part of the name, in any order; an empty `sought` fits every name."""
    folded = fold(name)
    return all(word in folded or any(word in joined for joined in _joined(folded)) for word in fold(sought).split())
