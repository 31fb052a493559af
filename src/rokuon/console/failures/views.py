"""Views of the failure page (M12): causes with advice; retry one, some, a cause or all; close what is explained."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, TypeVar

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.accounts import recent_auth
from rokuon.accounts.permissions import AccessReach, Action
from rokuon.actions import failures as failure_actions
from rokuon.actions import failures_export, not_known_rows
from rokuon.actions import unnamed_calls as unnamed_actions
from rokuon.actions.failures_export import Asked
from rokuon.console.notifications import read_model as notices
from rokuon.console.notifications.views import stop_reminders
from rokuon.console.recordings.forms import PAGE
from rokuon.console.web import csv_response, guards
from rokuon.console.web.guards import CHANGE, CompanyRequest, page
from rokuon.console.web.status_banner import WORKER_SILENT_S
from rokuon.jobs import queue
from rokuon.ledger import aside, next_try, search, tally, unnamed
from rokuon.ledger import failures as ledger_failures
from rokuon.ledger.failures import FailureCause, Which
from rokuon.ledger.models import Copy, Retry
from rokuon.ledger.next_try import Stops, WaitingCause
from rokuon.ledger.reasons import in_words
from rokuon.ledger.search import CopyFilters, Within
from rokuon.org.models import Target
from rokuon.org.tree import zone_of

from . import not_known

_REASON = re.compile(r"[a-z0-9_]{1,60}")

PER_PAGE = 100
MOST_TARGETS = 5
ASKS_AGAIN_FROM = 1000
"""Exporting more rows than this requires the person to authenticate again (row Q34)."""


C = TypeVar("C", FailureCause, WaitingCause, FailureCause | WaitingCause)


@dataclass(frozen=True, slots=True)
class CauseRow(Generic[C]):
    """A cause in words. `targets` are those with the most copies, `more` counts the others. `zone` is set if all targets share it."""

    cause: C
    sentence: str
    targets: tuple[tuple[Target, int], ...]
    more: int
    zone: str


@page(Action.VIEW)
def failures(request: CompanyRequest) -> HttpResponse:
    company, targets = request.company, guards.target_ids(request.reach)
    shown = _in_words(request.reach, ledger_failures.causes(company.pk, targets))
    waits = _in_words(request.reach, next_try.causes(company.pk, targets))
    calls = unnamed.calls(company.pk, targets)
    excluded = [one for one in tally.causes(company.pk, targets) if one.state == Copy.State.EXCLUDED]
    context = {
        "waiting": waits,
        "waits": sum(one.cause.copies for one in waits),
        "calls": unnamed.still_open(calls).count(),
        "calls_closed": unnamed.explained(calls).count(),
        "calls_advice": unnamed_actions.advice(company),
        "now": guards.now(request),
        "failed": [one for one in shown if one.cause.state == Copy.State.FAILED and one.cause.left],
        "gone": [one for one in shown if one.cause.state == Copy.State.GONE and one.cause.left],
        "closed": [one for one in shown if not one.cause.left],
        "left": sum(one.cause.left for one in shown if one.cause.state == Copy.State.FAILED),
        "excluded": sum(one.copies for one in excluded),
        "excluded_for": [(in_words(one.reason), one.copies) for one in excluded],
        "longest_note": failure_actions.LONGEST_NOTE,
        "not_known": not_known.load_unknown(company, request.reach, guards.now(request)),
        "may_retry": Action.BACK_UP in request.reaches,
        "may_export": Action.DOWNLOAD in request.reaches,
    }
    return render(request, "console/failures/failures.html", context)


@page(Action.VIEW)
def cause(request: CompanyRequest, state: str, reason: str) -> HttpResponse:
    """Show one cause with its recordings, to choose from."""
    found = _found(request, state, reason)
    if found is None:
        messages.info(request, _("No recordings are left for this cause."))
        return _to_desk(request)
    within, cursor = [Within(pk) for pk in guards.targets(request.reach).values_list("pk", flat=True)], request.GET.get(PAGE, "")
    try:
        listed = search.find(request.company.pk, within, CopyFilters(state=state, reason=reason), cursor, PER_PAGE)
    except ValueError:
        return HttpResponseRedirect(request.path)
    if cursor and not listed.copies:
        # The recordings of this page were retried or closed: show the first page.
        return HttpResponseRedirect(request.path)
    prefetch_related_objects(listed.copies, "target__office", "closing")
    stops, kept = Stops(request.company.pk), aside.of([copy.pk for copy in listed.copies])
    rows = [(copy, zone_of(copy.target), ledger_failures.closing(copy), stops.next_try(copy), kept.get(copy.pk)) for copy in listed.copies]
    (shown,) = _in_words(request.reach, [found])
    told = list(notices.of_cause(request.reach, state, reason).order_by("office__name", "pk"))
    context = {
        "one": shown,
        "rows": rows,
        "newer": listed.newer,
        "older": listed.older,
        "page_name": PAGE,
        "longest_note": failure_actions.LONGEST_NOTE,
        "notices": told,
        "reminds": any(one.acknowledged_at is None for one in told),
        "may_retry": Action.BACK_UP in request.reaches,
        "waits": state == Copy.State.PENDING,
        "queued": reason == next_try.QUEUED,
        "now": guards.now(request),
    }
    return render(request, "console/failures/cause.html", context)


def _found(request: CompanyRequest, state: str, reason: str) -> FailureCause | WaitingCause | None:
    company, targets = request.company.pk, guards.target_ids(request.reach)
    if state == Copy.State.PENDING:
        return next((one for one in next_try.causes(company, targets) if one.reason == reason), None)
    return next((one for one in ledger_failures.causes(company, targets) if (one.state, one.reason) == (state, reason)), None)


@page(Action.BACK_UP, CHANGE)
def retry(request: CompanyRequest) -> HttpResponse:
    """Retry what the form names, then redirect to the page that shows the progress."""
    which = _which(request)
    if which is None:
        messages.error(request, _("Choose at least one recording."))
        return _back(request)
    begun = failure_actions.retry(
        request.company, guards.target_ids(request.reach), which, queue, guards.actor(request), guards.now(request)
    )
    if begun is None:
        messages.info(request, _("Nothing was left to retry: someone did, or it is backed up by now."))
        return _to_desk(request)
    return HttpResponseRedirect(reverse("console:failures-retried", args=[request.company.public_id, begun.pk]), status=303)


@page(Action.BACK_UP, CHANGE)
def close(request: CompanyRequest) -> HttpResponse:
    """Close what the form names, with the form's note as the reason."""
    which, note = _which(request), failure_actions.note(request.POST.get("note", ""))
    if which is None or not note:
        messages.error(request, _("Write why nothing is to be done.") if which is not None else _("Choose at least one recording."))
        return _back(request)
    closed = failure_actions.close(
        request.company, guards.target_ids(request.reach), which, note, guards.actor(request), guards.now(request)
    )
    messages.success(request, ngettext("%(count)d recording was closed.", "%(count)d recordings were closed.", closed) % {"count": closed})
    return _to_desk(request)


@page(Action.BACK_UP, CHANGE)
def reopen(request: CompanyRequest) -> HttpResponse:
    """Re-open what the form names."""
    which = _which(request)
    if which is None:
        messages.error(request, _("Choose at least one recording."))
        return _back(request)
    opened = failure_actions.reopen(request.company, guards.target_ids(request.reach), which, guards.actor(request), guards.now(request))
    if not opened:
        messages.info(request, _("None of these was closed."))
        return _back(request)
    messages.success(
        request, ngettext("%(count)d recording is open again.", "%(count)d recordings are open again.", opened) % {"count": opened}
    )
    return _back(request)


@page(Action.BACK_UP, CHANGE)
def acknowledge(request: CompanyRequest) -> HttpResponse:
    """Stop the reminders of the cause that the form names, in every office within reach."""
    state, reason = _cause(request)
    stop_reminders(request, notices.of_cause(request.reach, state, reason).filter(acknowledged_at=None))
    return _back(request)


@page(Action.VIEW)
def retried(request: CompanyRequest, retry: int) -> HttpResponse:
    return render(request, "console/failures/retried.html", _progress(request, retry))


@page(Action.VIEW)
def retried_progress(request: CompanyRequest, retry: int) -> HttpResponse:
    """Render only the live part."""
    return render(request, "console/failures/progress.html", _progress(request, retry))


def _progress(request: CompanyRequest, retry_id: int) -> dict[str, Any]:
    """Return the template context. Raises Http404 if none of the copies is within reach."""
    found = get_object_or_404(Retry, pk=retry_id, company_id=request.company.pk)
    counts = Counter(ledger_failures.progress(found, guards.target_ids(request.reach)))
    if not counts:
        raise Http404
    done = counts.total() - counts[Copy.State.PENDING]
    return {
        "retry": found,
        "counts": counts,
        "total": counts.total(),
        "done": done,
        "open": done < counts.total(),
        "no_worker": not queue.live_workers(WORKER_SILENT_S),
    }


@page(Action.DOWNLOAD, CHANGE)
def export(request: CompanyRequest) -> HttpResponseBase:
    """Export everything within reach that is not backed up, as CSV."""
    asked = Asked(guards.target_ids(request.reach))
    if failures_export.size(request.company, asked) > ASKS_AGAIN_FROM and not recent_auth.is_fresh(request):
        return recent_auth.ask(request)
    headings, lines = failures_export.export(request.company, asked, guards.actor(request), guards.now(request))
    unknown = not_known_rows.rows(request.company, asked.targets, None, guards.now(request), of_nobody=request.reach.whole)
    return csv_response.answer("rokuon-failures.csv", headings, chain(lines, unknown))


def _in_words(reach: AccessReach, causes: Sequence[C]) -> list[CauseRow[C]]:
    known = {target.pk: target for target in guards.targets(reach).filter(pk__in={pk for one in causes for pk, _copies in one.targets})}
    shown = []
    for one in causes:
        hit = [(known[pk], copies) for pk, copies in one.targets if pk in known]
        zones = {zone_of(target) for target, _copies in hit}
        zone = zones.pop() if len(zones) == 1 else ""
        shown.append(CauseRow(one, in_words(one.reason), tuple(hit[:MOST_TARGETS]), max(0, len(hit) - MOST_TARGETS), zone))
    return shown


def _which(request: CompanyRequest) -> Which | None:
    """Return what the form names: the ticked recordings, a cause, or all. None if nothing was ticked."""
    what = request.POST.get("what", "")
    if what == "all":
        return Which(state=Copy.State.FAILED)
    if what == "cause":
        state, reason = _cause(request)
        return Which(state=state, reason=reason, waiting=state == Copy.State.PENDING)
    ids = guards.row_ids(request, "copy")
    return Which(ids=ids, waiting=True) if ids else None


def _cause(request: CompanyRequest) -> tuple[str, str]:
    """Return the state and the reason that the form names; "" for a value that is not valid."""
    state, reason = request.POST.get("state", ""), request.POST.get("reason", "")
    return state if state in Copy.State.values else "", reason if _REASON.fullmatch(reason) else ""


def _to_desk(request: CompanyRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:failures", args=[request.company.public_id]), status=303)


def _back(request: CompanyRequest) -> HttpResponse:
    """Redirect to the cause's page, from which the form was sent."""
    state, reason = _cause(request)
    if state not in ledger_failures.NOT_BACKED_UP or not reason:
        return _to_desk(request)
    return HttpResponseRedirect(reverse("console:failures-cause", args=[request.company.public_id, state, reason]), status=303)
