"""What of the pending recordings cannot be tried now, in words: the state, the cause, and when the next try is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from rokuon.base.i18n import first_sentence
from rokuon.ledger.reasons import in_words
from rokuon.ledger.waiting import PAUSED, StoppedCopies


@dataclass(frozen=True, slots=True)
class StoppedText:
    """`badge` is the state to show; `next_at` is None if a person has to act first."""

    badge: str
    copies: int
    sentence: str
    next_at: datetime | None


def in_text(stopped: Sequence[StoppedCopies]) -> list[StoppedText]:
    return [StoppedText(_badge(one), one.copies, _sentence(one), one.next_at) for one in stopped]


def _badge(one: StoppedCopies) -> str:
    return "held" if one.held else "paused" if one.reason == PAUSED else "waiting"


def _sentence(one: StoppedCopies) -> str:
    if one.reason == PAUSED:
        return _("A person paused this backup.")
    return first_sentence(in_words(one.reason)) if one.reason else _("Not tried yet")
