"""Cause of a row of the export, in the reader's words."""

from rokuon.base.i18n import first_sentence
from rokuon.ledger.reasons import in_words


def why(reason: str) -> str:
    """Return only the first sentence about the reason code, without its full stop."""
    return first_sentence(in_words(reason)).rstrip(".。")
