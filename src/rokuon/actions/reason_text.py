"""State and cause of a row of the export, in the reader's words."""

from rokuon.base.i18n import _, first_sentence
from rokuon.domain.failures import N_
from rokuon.ledger import unnamed
from rokuon.ledger.reasons import in_words

STATES = {
    "pending": N_("Waiting"),
    "failed": N_("Failed"),
    "gone": N_("Gone"),
    unnamed.STATE: N_("Nothing to fetch"),
    "unlisted": N_("Not listed"),
    "unreadable": N_("Unreadable"),
}


def state_words(state: str) -> str:
    return _(STATES[state])


def why(reason: str) -> str:
    """Return only the first sentence about the reason code, without its full stop."""
    return first_sentence(in_words(reason)).rstrip(".。")
