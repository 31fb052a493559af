"""The list of recordings that a request asks for."""

from collections.abc import Sequence

from rokuon.console.runs.read_model import run_or_404
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest
from rokuon.domain.row_ids import row_id
from rokuon.ledger.models import Run
from rokuon.org.models import Target

from .forms import RecordingsForm


def form_of(request: CompanyRequest, targets: Sequence[Target]) -> tuple[RecordingsForm, Run | None]:
    """Return the form with the request's filters, and the run to which they are limited, if any. Raises Http404 for a run out of reach."""
    number = row_id(request.GET.get("run", ""))
    run = run_or_404(request.reach, number) if number is not None else None
    return RecordingsForm(request.GET, targets, guards.company_zone(request.company), run), run
