"""Next step of the set-up, shown on every page of a company admin until the first recording is verified."""

from collections.abc import Mapping

from rokuon.accounts.permissions import AccessReach, Action
from rokuon.ledger.models import Copy
from rokuon.org.models import Company

from . import checklist
from .checklist import Checklist


def trail(company: Company, reaches: Mapping[Action, AccessReach]) -> Checklist | None:
    """Return the checklist for a company admin; None for everybody else, and always after the first verified recording."""
    if Action.SET_COMPANY not in reaches or Copy.objects.filter(company=company, state=Copy.State.VERIFIED).exists():
        return None
    return checklist.read(company)
