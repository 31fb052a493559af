"""The terms of a certificate's sum in words, each with its causes."""

from collections.abc import Iterator
from dataclasses import dataclass

from rokuon.base.i18n import _, first_sentence
from rokuon.base.state_words import state_word
from rokuon.completeness.certificate import Certified
from rokuon.ledger.reasons import in_words
from rokuon.notify.text.causes import IN_BRIEF, in_brief


@dataclass(frozen=True, slots=True)
class Term:
    """`part`: it is part of the term above it. `state` is a state of the design layer, "" for a sum."""

    code: str
    words: str
    count: int
    part: bool = False
    state: str = ""


def terms(found: Certified) -> list[Term]:
    """Return the terms in order: what was listed, verified, excluded, closed and unaccounted. Terms that are zero are there, parts of a
    term that are zero are not."""
    whole = found.sum.account
    return [
        Term("calls", _("Calls that Dialpad listed"), whole.calls),
        Term("recorded", _("Of these: recorded"), whole.recorded, part=True),
        Term("listed", _("To be accounted for"), whole.listed),
        Term("recordings", _("Recordings"), whole.recordings, part=True),
        Term("unnamed", _("Recorded calls with nothing to fetch"), whole.unnamed, part=True),
        Term("verified", state_word("verified"), whole.verified, state="verified"),
        Term("excluded", _("Excluded by a rule or a choice"), whole.excluded, state="excluded"),
        *_causes(found, "excluded", closed=False),
        Term("closed", _("Closed by a person with a note"), whole.closed, state="excluded"),
        *_causes(found, "failed", closed=True),
        *_causes(found, "gone", closed=True),
        *_part("closed_unnamed", state_word("unnamed"), whole.closed_unnamed),
        Term("unaccounted", _("Unaccounted"), whole.unaccounted, state="failed" if whole.unaccounted else "verified"),
        *_part("pending", state_word("pending"), whole.pending),
        *_causes(found, "failed", closed=False),
        *_causes(found, "gone", closed=False),
        *_part("open_unnamed", state_word("unnamed"), whole.open_unnamed),
    ]


def _part(code: str, words: str, count: int) -> list[Term]:
    return [Term(code, words, count, part=True)] if count else []


def _causes(found: Certified, state: str, *, closed: bool) -> Iterator[Term]:
    """Yield the causes of a state, the most frequent first."""
    mine = [(reason, count) for (one, reason, is_closed), count in found.causes.items() if (one, is_closed) == (state, closed)]
    for reason, count in sorted(mine, key=lambda one: (-one[1], one[0])):
        why = in_brief(reason) if reason in IN_BRIEF else first_sentence(in_words(reason)).rstrip(".。")
        code = f"{'closed' if closed else 'open'}_{state}:{reason}" if state != "excluded" else f"excluded:{reason}"
        words = _("%(state)s: %(why)s") % {"state": state_word(state), "why": why}
        yield Term(code, words, count, part=True)
