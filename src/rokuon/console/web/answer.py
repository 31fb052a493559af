"""The answer that pages open with: the headline of a company within a person's reach, with the facts behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rokuon.accounts.permissions import AccessReach
from rokuon.completeness.headline import Headline, HeadlineFacts, facts_of, headline
from rokuon.org.models import Company, Target

from . import guards
from .status_banner import holds_within


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """The headline and its facts. `begun` is false while there is nothing that the headline could be about."""

    facts: HeadlineFacts
    headline: Headline
    begun: bool


def answer_of(company: Company, reach: AccessReach, now: datetime) -> PageAnswer:
    """Return the answer about everything within reach."""
    targets: Sequence[Target] = list(guards.targets(reach).select_related("office"))
    facts = facts_of(company, targets, now, held=bool(holds_within(company, reach)))
    ready = bool(company.enabled and company.api_key) and any(target.backed_up for target in targets)
    return PageAnswer(facts, headline(facts), ready or facts.counts.discovered > 0)
