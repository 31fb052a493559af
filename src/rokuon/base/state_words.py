"""The word for each state of a recording, a run, or something unknown: one word in each language, for pages, commands, CSV and mails."""

from rokuon.domain.failures import N_

from .i18n import _

WORDS = {
    "verified": N_("Verified"),
    "pending": N_("Pending"),
    "held": N_("On hold"),
    "failed": N_("Failed"),
    "gone": N_("Lost at Dialpad"),
    "excluded": N_("Excluded"),
    "unnamed": N_("Nothing to fetch"),
    "unlisted": N_("Not listed"),
    "unreadable": N_("Not readable"),
    "closed": N_("Closed"),
    "running": N_("Running"),
    "paused": N_("Paused"),
    "finished": N_("Finished"),
    "cancelled": N_("Cancelled"),
}
"""Other modules name a state by its key here. `tests/meta/test_state_words.py` finds words beside this table."""


def state_word(state: str) -> str:
    """Return the word for a state. Raises KeyError for a state that has none."""
    return _(WORDS[state])
