"""Translation of messages outside of Django: configuration errors, the command line, the layers below the pages.

There is one catalogue, `locale/<language>/LC_MESSAGES/django.mo`; Django's own gettext finds the same file. A process has one language
(`activate`); `speaking` overrides it, for example in a web request.
"""

import gettext as _gettext
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TypeVar

LOCALE_DIR = Path(__file__).resolve().parent.parent / "locale"
LANGUAGES = ("en", "ja")
_SENTENCE = re.compile(r".*?(?:。|\.(?=\s|$)|$)")

T = TypeVar("T")

_process: str = ""
_here: ContextVar[str] = ContextVar("language", default="")


def preferred(environ: Mapping[str, str] = os.environ) -> str:
    """Return the language of the environment: Japanese if the first variable that is set says so, else English."""
    for name in ("ROKUON_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environ.get(name, "")
        if value:
            return "ja" if value.lower().startswith("ja") else "en"
    return "en"


def activate(language: str) -> None:
    """Set the language of all messages of the whole process."""
    global _process
    _process = language if language in LANGUAGES else "en"


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Set the language of all messages in this block, for this thread or task only."""
    token = _here.set(language if language in LANGUAGES else "en")
    try:
        yield
    finally:
        _here.reset(token)


def keep_language(items: Iterator[T]) -> Iterator[T]:
    """Return the items, each made in the language of this call, however late: a streamed answer is made after its request."""
    return _made_in(language(), items)


def _made_in(spoken: str, items: Iterator[T]) -> Iterator[T]:
    while True:
        with speaking(spoken):
            try:
                one = next(items)
            except StopIteration:
                return
        yield one


def language() -> str:
    return _here.get() or _process or preferred()


@cache
def _catalogue(language: str) -> _gettext.NullTranslations:
    return _gettext.translation("django", LOCALE_DIR, languages=[language], fallback=True)


def _translations() -> _gettext.NullTranslations:
    return _catalogue(language())


def _(message: str) -> str:
    return _translations().gettext(message)


def join_sentences(*sentences: str) -> str:
    """Join sentences with a space, in Japanese without one. Empty ones are left out."""
    return ("" if language() == "ja" else " ").join(filter(None, sentences))


def first_sentence(text: str) -> str:
    """Return the first sentence of a text in English or Japanese, with its full stop; all of a text without one."""
    found = _SENTENCE.match(text)
    return found[0] if found else text


def ngettext(singular: str, plural: str, number: int) -> str:
    return _translations().ngettext(singular, plural, number)
