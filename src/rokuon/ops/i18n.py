"""Messages in the reader's language before Django is there: configuration errors and the command line.

There is one catalogue, `locale/<language>/LC_MESSAGES/django.mo`; Django's own gettext finds the same file.
"""

import gettext as _gettext
import os
from collections.abc import Mapping
from pathlib import Path

LOCALE_DIR = Path(__file__).resolve().parent.parent / "locale"
LANGUAGES = ("en", "ja")

_active: _gettext.NullTranslations | None = None
_language = ""


def preferred(environ: Mapping[str, str] = os.environ) -> str:
    """The language that the environment asks for: Japanese where the first variable that is set says so, else English."""
    for name in ("ROKUON_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environ.get(name, "")
        if value:
            return "ja" if value.lower().startswith("ja") else "en"
    return "en"


def activate(language: str) -> None:
    """Every message from now on is in this language, in the whole process."""
    global _active, _language
    _language = language if language in LANGUAGES else "en"
    _active = _gettext.translation("django", LOCALE_DIR, languages=[_language], fallback=True)


def language() -> str:
    _translations()
    return _language


def _translations() -> _gettext.NullTranslations:
    if _active is None:
        activate(preferred())
        return _translations()
    return _active


def _(message: str) -> str:
    return _translations().gettext(message)


def join_sentences(*sentences: str) -> str:
    """One after the other: with a space between them, except in Japanese."""
    return ("" if language() == "ja" else " ").join(sentences)


def ngettext(singular: str, plural: str, number: int) -> str:
    return _translations().ngettext(singular, plural, number)
