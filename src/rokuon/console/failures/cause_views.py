"""View of one cause: what happened, who can fix it, retry, and its recordings to choose from."""

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts.permissions import Action
from rokuon.actions import failures as failure_actions
from rokuon.console.notifications import read_model as notices
from rokuon.console.recordings.forms import PAGE
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest, page
from rokuon.ledger import aside, next_try, search
from rokuon.ledger import failures as ledger_failures
from rokuon.ledger.failures import FailureCause
from rokuon.ledger.models import Copy
from rokuon.ledger.next_try import Stops, WaitingCause
from rokuon.ledger.search import CopyFilters, CopyPage, Within
from rokuon.org.tree import zone_of

from . import cause_facts, causes

PER_PAGE = 100


@page(Action.VIEW)
def cause(request: CompanyRequest, state: str, reason: str) -> HttpResponse:
    """Show one cause with its recordings. Redirects to the failure page if none are left."""
    found = _found(request, state, reason)
    if found is None:
        messages.info(request, _("No recordings are left for this cause."))
        return HttpResponseRedirect(reverse("console:failures", args=[request.company.public_id]), status=303)
    listed = _listed(request, state, reason)
    if listed is None:
        return HttpResponseRedirect(request.path)
    (shown,) = causes.rows(request.reach, [found])
    told = list(notices.of_cause(request.reach, state, reason).order_by("office__name", "pk"))
    rows, left = _rows(request, listed), getattr(found, "left", 0)
    waits, queued = state == Copy.State.PENDING, reason == next_try.QUEUED
    may_retry = Action.BACK_UP in request.reaches
    context = {
        "one": shown,
        "facts": cause_facts.load(request, found),
        "rows": rows,
        "any_kept": any(kept is not None for *_others, kept in rows),
        "newer": listed.newer,
        "older": listed.older,
        "page_name": PAGE,
        "longest_note": failure_actions.LONGEST_NOTE,
        "notices": told,
        "reminds": any(one.acknowledged_at is None for one in told),
        "may_choose": may_retry and not queued,
        "may_retry": may_retry and not queued and (waits or left > 0),
        "may_close": may_retry and not waits,
        "waits": waits,
        "closed": not waits and left == 0,
        "closed_in_part": not waits and 0 < left < found.copies,
        "now": guards.now(request),
    }
    return render(request, "console/failures/cause.html", context)


def _found(request: CompanyRequest, state: str, reason: str) -> FailureCause | WaitingCause | None:
    company, targets = request.company.pk, guards.target_ids(request.reach)
    if state == Copy.State.PENDING:
        return next((one for one in next_try.causes(company, targets) if one.reason == reason), None)
    return next((one for one in ledger_failures.causes(company, targets) if (one.state, one.reason) == (state, reason)), None)


def _listed(request: CompanyRequest, state: str, reason: str) -> CopyPage | None:
    """Return the page of recordings that the address names; None if there is no such page (any more)."""
    within, cursor = [Within(pk) for pk in guards.targets(request.reach).values_list("pk", flat=True)], request.GET.get(PAGE, "")
    try:
        listed = search.find(request.company.pk, within, CopyFilters(state=state, reason=reason), cursor, PER_PAGE)
    except ValueError:
        return None
    # The recordings of this page were retried or closed.
    return None if cursor and not listed.copies else listed


def _rows(request: CompanyRequest, listed: CopyPage) -> list[tuple[object, ...]]:
    prefetch_related_objects(listed.copies, "target__office", "closing")
    stops, kept = Stops(request.company.pk), aside.of([copy.pk for copy in listed.copies])
    return [(copy, zone_of(copy.target), ledger_failures.closing(copy), stops.next_try(copy), kept.get(copy.pk)) for copy in listed.copies]
