"""Causes in words: for lists of causes, and for the title of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.accounts.permissions import AccessReach
from rokuon.base.measures import number
from rokuon.console.web import guards
from rokuon.ledger.cause_details import ClosedAs, closed_as
from rokuon.ledger.failures import FailureCause
from rokuon.ledger.next_try import QUEUED, WaitingCause
from rokuon.ledger.reasons import in_words
from rokuon.notify.text.causes import in_brief
from rokuon.org.models import Target
from rokuon.org.tree import zone_of

MOST_TARGETS = 5
MOST_NOTES = 3

C = TypeVar("C", FailureCause, WaitingCause, FailureCause | WaitingCause)


@dataclass(frozen=True, slots=True)
class CauseRow(Generic[C]):
    """A cause in words. `targets` are those with the most copies, `more` counts the others. `zone` is set if all targets share it.
    `closed_as` says how its closed copies were closed."""

    cause: C
    sentence: str
    targets: tuple[tuple[Target, int], ...]
    more: int
    zone: str
    closed_as: tuple[ClosedAs, ...] = ()

    @property
    def title(self) -> str:
        """Name the cause, and count its recordings."""
        said = ngettext("%(count)s recording: %(cause)s", "%(count)s recordings: %(cause)s", self.cause.copies)
        return said % {"count": number(self.cause.copies), "cause": brief(self.cause.reason)}


def brief(reason: str) -> str:
    """Return the cause as part of a sentence, without a full stop."""
    return _("waiting for their turn") if reason == QUEUED else in_brief(reason)


def rows(reach: AccessReach, causes: Sequence[C]) -> list[CauseRow[C]]:
    """Return these causes in words, with what of them is within reach."""
    known = {target.pk: target for target in guards.targets(reach).filter(pk__in={pk for one in causes for pk, _copies in one.targets})}
    closed = closed_as(reach.company_id, guards.target_ids(reach), MOST_NOTES) if any(getattr(one, "closed", 0) for one in causes) else {}
    shown = []
    for one in causes:
        hit = [(known[pk], copies) for pk, copies in one.targets if pk in known]
        zones = {zone_of(target) for target, _copies in hit}
        zone = zones.pop() if len(zones) == 1 else ""
        more = max(0, len(hit) - MOST_TARGETS)
        shown.append(CauseRow(one, in_words(one.reason), tuple(hit[:MOST_TARGETS]), more, zone, closed.get((one.state, one.reason), ())))
    return shown
