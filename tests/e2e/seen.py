"""The texts that a company admin reads, from the functions behind the overview, the failure page and the banner."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rokuon.accounts.permissions import AccessReach, Action
from rokuon.console.overview import read_model as overview
from rokuon.console.runs import read_model as runs
from rokuon.console.web import status_banner as strip
from rokuon.domain.failures import RokuonError
from rokuon.ledger import failures
from rokuon.notify import tracker
from rokuon.org.models import Company, Target


@dataclass(frozen=True)
class Seen:
    """The visible state. `mood` and `answer` are the headline of the overview. `failed` and `gone` are the failure page's causes (reason:
    copies), `waits` are pending copies with a reason. `held` is what each reason stops, `strip` the banner about it. `unnamed` are recorded
    calls with nothing to fetch, `unread` days that were not listed. `notices` are the open ones (kind, cause). `sentences` are
    the texts of every reason that is shown.
    """

    mood: str
    answer: str
    failed: Mapping[str, int]
    gone: Mapping[str, int]
    waits: Mapping[str, int]
    held: Mapping[str, str]
    strip: Mapping[str, str]
    unnamed: int
    unread: int
    notices: frozenset[tuple[str, str]]
    sentences: Mapping[str, str]

    def advises(self, failure: type[RokuonError]) -> bool:
        """Whether the reason is shown with its advice."""
        return self.sentences.get(failure.reason) == failure.advice


def look(company: Company, now: datetime) -> Seen:
    """Return what the admin of the whole company sees, in English."""
    company = Company.objects.get(pk=company.pk)
    whole = AccessReach(company.pk)
    targets = list(Target.objects.filter(company=company).select_related("office", "company"))
    found = overview.load_overview(company, whole, targets, now)
    said = overview.answer(found)
    on_desk = failures.causes(company.pk, None)
    others = {one.cause.reason: one.cause for one in found.others if one.cause.state == "pending"}
    return Seen(
        mood=said.severity,
        answer=said.sentence,
        failed={one.reason: one.copies for one in on_desk if one.state == "failed"},
        gone={one.reason: one.copies for one in on_desk if one.state == "gone"},
        waits={reason: cause.copies for reason, cause in others.items()},
        held={one.hold.reason: one.on for one in found.holds},
        strip={one.code: one.text for one in strip.said(company, dict.fromkeys(Action, whole), "") if one.code},
        unnamed=found.unnamed,
        unread=found.facts.lacks.days,
        notices=frozenset((one.kind, one.cause) for one in tracker.open_notices(company.pk, None)),
        sentences={
            **{one.reason: runs.in_words(one.reason) for one in on_desk},
            **{one.cause.reason: one.sentence for one in [*found.failures, *found.others]},
            **{one.hold.reason: one.sentence for one in found.holds},
        },
    )
