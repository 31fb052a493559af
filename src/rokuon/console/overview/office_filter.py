"""The office that the overview and its pages are narrowed to (`?office=`)."""

from rokuon.accounts.permissions import AccessReach
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest
from rokuon.domain.row_ids import row_id
from rokuon.org.models import Office


def asked_office(request: CompanyRequest) -> Office | None:
    """Return the office that the address names; None for all within reach. 404 for one outside of it."""
    asked = row_id(request.GET.get("office", ""))
    return guards.office_or_404(request.reach, asked) if asked is not None else None


def narrowed(request: CompanyRequest, office: Office | None) -> AccessReach:
    return AccessReach(request.company.pk, frozenset({office.pk})) if office else request.reach
