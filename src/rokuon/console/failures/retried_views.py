"""Views of a retry: its progress while recordings are tried, then its verdict."""

from collections import Counter
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from rokuon.accounts.permissions import Action
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest, page
from rokuon.console.web.status_banner import WORKER_SILENT_S
from rokuon.domain.failures import HoldOn
from rokuon.jobs import queue
from rokuon.ledger import failures as ledger_failures
from rokuon.ledger import retry_outcome
from rokuon.ledger.models import Copy, Retry
from rokuon.ledger.retry_outcome import RetriedCopies

from .retry_verdict import verdict


@page(Action.VIEW)
def retried(request: CompanyRequest, retry: int) -> HttpResponse:
    return render(request, "console/failures/retried.html", _progress(request, retry))


@page(Action.VIEW)
def retried_progress(request: CompanyRequest, retry: int) -> HttpResponse:
    """Render only the live part, and with the last poll the verdict, which takes the place of the page's headline."""
    return render(request, "console/failures/progress.html", {**_progress(request, retry), "fragment": True})


def _progress(request: CompanyRequest, retry_id: int) -> dict[str, Any]:
    """Return the template context. Raises Http404 if none of the copies is within reach."""
    found, targets = get_object_or_404(Retry, pk=retry_id, company_id=request.company.pk), guards.target_ids(request.reach)
    outcome = retry_outcome.outcome(found, targets)
    if not outcome:
        raise Http404
    counts = Counter(dict.fromkeys(Copy.State.values, 0))
    for one in outcome:
        counts[one.state] += one.copies
    moving = counts[Copy.State.PENDING] > 0 and ledger_failures.moving(found, targets, guards.now(request)) > 0
    recordings = reverse("console:recordings", args=[request.company.public_id])
    return {
        "retry": found,
        "lists": {state: f"{recordings}?retry={found.pk}&state={state}" for state in Copy.State.values},
        "counts": counts,
        "total": counts.total(),
        "done": counts.total() - counts[Copy.State.PENDING],
        "open": moving,
        "verdict": verdict(outcome, moving=moving, url_of=lambda one: _url(request, one)),
        "no_worker": moving and not queue.live_workers(WORKER_SILENT_S),
    }


def _url(request: CompanyRequest, one: RetriedCopies) -> str:
    """Return the page on which these recordings can be fixed; "" if there is none, or this person may not open it."""
    if one.held_on:
        may_open = one.held_on == HoldOn.BUCKET and Action.SET_BUCKETS in request.reaches
        return reverse("console:settings-bucket", args=[request.company.public_id, one.held_ref]) if may_open else ""
    if one.state in (Copy.State.FAILED, Copy.State.GONE) or (one.state == Copy.State.PENDING and one.reason):
        return reverse("console:failures-cause", args=[request.company.public_id, one.state, one.reason])
    return ""
