"""Who can fix a cause, in words for the reader."""

from collections.abc import Sequence
from dataclasses import dataclass

from rokuon.accounts.permissions import Action
from rokuon.base import i18n
from rokuon.console.settings.read_model import company_admins
from rokuon.console.web.guards import CompanyRequest
from rokuon.domain.failures import N_, Responsible, RokuonError, curer

CURES = {
    Responsible.NOBODY: N_("Nothing has to be fixed: retrying is enough."),
    Responsible.OFFICE: N_("An office admin or a company admin can fix this."),
    Responsible.COMPANY: N_("A company admin can fix this."),
    Responsible.OPERATOR: N_("The operator of this Rokuon installation can fix this."),
}


@dataclass(frozen=True, slots=True)
class Cure:
    """Who can fix a cause, in words. `yours`: the reader can. `admins` are the people to ask, where the reader cannot."""

    sentence: str
    yours: bool
    admins: Sequence[str]


def cure_of(request: CompanyRequest, failure: type[RokuonError]) -> Cure:
    who = curer(failure)
    yours = {
        Responsible.NOBODY: False,
        Responsible.OFFICE: Action.BACK_UP in request.reaches,
        Responsible.COMPANY: Action.SET_COMPANY in request.reaches,
        Responsible.OPERATOR: request.user.is_operator,
    }[who]
    asks = who is Responsible.COMPANY and not yours and Action.BACK_UP in request.reaches
    return Cure(i18n._(CURES[who]), yours, company_admins(request.company) if asks else [])
