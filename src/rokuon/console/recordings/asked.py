"""The list of recordings that a request asks for."""

from collections.abc import Sequence

from django.http import Http404

from rokuon.console.runs.read_model import run_or_404
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest
from rokuon.domain.row_ids import row_id
from rokuon.ledger.models import Copy, Retry
from rokuon.org.models import Target

from .forms import RecordingsForm


def form_of(request: CompanyRequest, targets: Sequence[Target]) -> RecordingsForm:
    """Return the form with the request's filters, and the run or retry to which they are limited, if any. Raises Http404 for one out of
    reach."""
    number = row_id(request.GET.get("run", ""))
    run = run_or_404(request.reach, number) if number is not None else None
    retried = _retry_or_404(request, targets)
    return RecordingsForm(request.GET, targets, guards.company_zone(request.company), run, retried)


def _retry_or_404(request: CompanyRequest, targets: Sequence[Target]) -> Retry | None:
    number = row_id(request.GET.get("retry", ""))
    if number is None:
        return None
    found = Retry.objects.filter(pk=number, company=request.company).first()
    if found is None or not Copy.objects.filter(pk__in=found.copies, target__in=targets).exists():
        raise Http404
    return found
