"""The verdict on a retry in words: what is backed up, and what became of the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.base.measures import number
from rokuon.ledger.models import Copy
from rokuon.ledger.retry_outcome import RetriedCopies

from .causes import brief


@dataclass(frozen=True, slots=True)
class RestPart:
    """Recordings that are not backed up, in one sentence. `badge` is the state to show; `url` is the page to fix it, "" for none."""

    badge: str
    sentence: str
    url: str


@dataclass(frozen=True, slots=True)
class RetryVerdict:
    """`badge` is "running" while recordings will be tried within seconds, else the worst state of the result."""

    badge: str
    headline: str
    rest: Sequence[RestPart] = ()


def verdict(found: Sequence[RetriedCopies], *, moving: bool, url_of: Callable[[RetriedCopies], str]) -> RetryVerdict:
    """Return the verdict on a retry with this outcome."""
    total = sum(one.copies for one in found)
    done = sum(one.copies for one in found if one.state == Copy.State.VERIFIED)
    counts = {"total": number(total), "done": number(done)}
    if moving:
        said = ngettext("%(total)s recording is tried again", "%(total)s recordings are tried again", total)
        return RetryVerdict("running", said % counts)
    if done == total:
        said = _("The recording is backed up") if total == 1 else _("All %(total)s recordings are backed up")
        return RetryVerdict("verified", said % counts)
    rest = [RestPart(_badge(one), _sentence(one), url_of(one)) for one in found if one.state != Copy.State.VERIFIED]
    worst = "failed" if any(part.badge == "failed" for part in rest) else rest[0].badge
    if done:
        said = ngettext("%(done)s of %(total)s recordings is backed up", "%(done)s of %(total)s recordings are backed up", done)
    else:
        said = _("The recording is not backed up") if total == 1 else _("None of the %(total)s recordings is backed up")
    return RetryVerdict(worst, said % counts, rest)


def _badge(one: RetriedCopies) -> str:
    if one.state != Copy.State.PENDING:
        return one.state
    return "held" if one.held_on else "paused" if one.paused else "waiting"


def _sentence(one: RetriedCopies) -> str:
    values = {"count": number(one.copies), "cause": brief(one.reason) if one.reason else ""}
    match _badge(one):
        case Copy.State.FAILED:
            said = ngettext("%(count)s failed again: %(cause)s.", "%(count)s failed again: %(cause)s.", one.copies)
        case Copy.State.GONE:
            said = ngettext("%(count)s is no longer at Dialpad.", "%(count)s are no longer at Dialpad.", one.copies)
        case Copy.State.EXCLUDED:
            said = ngettext("%(count)s is excluded by a rule or a choice.", "%(count)s are excluded by a rule or a choice.", one.copies)
        case "held":
            said = ngettext("%(count)s waits on hold: %(cause)s.", "%(count)s wait on hold: %(cause)s.", one.copies)
        case "paused":
            said = ngettext("%(count)s waits for a paused backup.", "%(count)s wait for a paused backup.", one.copies)
        case _:
            said = ngettext("%(count)s waits for another try: %(cause)s.", "%(count)s wait for another try: %(cause)s.", one.copies)
    return said % values
