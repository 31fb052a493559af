"""The restore drills of a bucket in words: when, by whom, how many of how many, what was found, and the bad ones within reach.

The figures are of the whole bucket, so only people who see the whole company read them; others read the outcome.
"""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from rokuon.accounts.audit import COMMAND_LINE
from rokuon.base.i18n import join_sentences
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest
from rokuon.ledger import drills
from rokuon.ledger.drill_models import DrawnRecording, Drill
from rokuon.org.models import Bucket
from rokuon.wiring import drill_text

SHOWN, BAD_SHOWN = 20, 20


@dataclass(frozen=True, slots=True)
class DrillSaid:
    """A drill in words. `state` and `words` are its icon, colour and word. `bad` are damaged, missing or refused recordings of the reader's
    targets, at most BAD_SHOWN; `hidden` counts those beyond. `by` is "" for the command line. Without the figures, `sentence` is "" and
    `hidden` 0.
    """

    drill: Drill
    state: str
    words: str
    sentence: str
    by: str
    bad: list[DrawnRecording]
    hidden: int


def of_bucket(request: CompanyRequest, bucket: Bucket) -> list[DrillSaid]:
    """Return the latest drills of the bucket, at most SHOWN, the latest first."""
    mine = guards.target_ids(guards.seen(request))
    return [_said(one, mine) for one in drills.of_bucket(bucket.pk, SHOWN)]


def _said(drill: Drill, targets: list[int] | None) -> DrillSaid:
    bad = drills.bad_ones(drill.pk, BAD_SHOWN, targets) if drill.bad or drill.refused else []
    by = "" if drill.by == COMMAND_LINE.name else drill.by
    if targets is not None:
        return DrillSaid(drill, *_outcome(drill), "", by, bad, 0)
    return DrillSaid(drill, *_outcome(drill), join_sentences(*drill_text.sentences(drill)), by, bad, drill.bad + drill.refused - len(bad))


def _outcome(drill: Drill) -> tuple[str, str]:
    if drill.bad:
        return "failed", _("Damaged or missing")
    if drill.refused:
        return "failed", _("Not all could be read")
    if drill.state == Drill.State.FINISHED:
        return "verified", _("Sample whole")
    return "excluded", _("Not finished")
