"""Texts on a company's request budget: the pause that Dialpad asked for, and a rate that 429s have lowered."""

from collections.abc import Callable
from datetime import datetime, timedelta

from rokuon.base.i18n import _, join_sentences
from rokuon.org.budget import BudgetState

APART = timedelta(seconds=90)
"""If the requested pause is this much longer than the obeyed one, a second sentence states when Rokuon asks again."""


def pause(standing: BudgetState, moment: Callable[[datetime], str]) -> str:
    """Return until when nothing is sent, and why; "" if Dialpad asked for no pause. `moment` formats a time."""
    if standing.paused_until is None or standing.asked_until is None:
        return ""
    said = _("Dialpad asked for a pause until %(until)s.") % {"until": moment(standing.asked_until)}
    if standing.asked_until - standing.paused_until < APART:
        return said
    return join_sentences(said, _("Rokuon asks again at %(again)s.") % {"again": moment(standing.paused_until)})


def lowered(standing: BudgetState) -> str:
    """Return a sentence on the lowered rate; "" if the configured rate is in use."""
    if not standing.lowered:
        return ""
    return _(
        "Dialpad answered with “too many requests” (429): Rokuon uses %(rate).1f of %(most)s requests/s for now "
        "and raises the rate automatically."
    ) % {
        "rate": standing.rate,
        "most": f"{standing.most:g}",
    }
