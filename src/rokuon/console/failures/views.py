"""Views of the failure page (M12): causes with advice; retry one, some, a cause or all; close what is explained."""

import re
from itertools import chain

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.accounts import draft_pages, recent_auth
from rokuon.accounts.permissions import Action
from rokuon.actions import failures as failure_actions
from rokuon.actions import failures_export, not_known_rows
from rokuon.actions import unnamed_calls as unnamed_actions
from rokuon.actions.failures_export import Asked
from rokuon.console.notifications import read_model as notices
from rokuon.console.notifications.views import stop_reminders
from rokuon.console.web import csv_response, guards
from rokuon.console.web.answer import answer_of
from rokuon.console.web.guards import CHANGE, CompanyRequest, page
from rokuon.jobs import queue
from rokuon.ledger import failures as ledger_failures
from rokuon.ledger import inventory_findings, next_try, tally, unnamed
from rokuon.ledger.failures import Which
from rokuon.ledger.models import Copy
from rokuon.ledger.reasons import in_words
from rokuon.org.models import Bucket

from . import causes, not_known

_REASON = re.compile(r"[a-z0-9_]{1,60}")

FIELDS = ("what", "copy", "note")
"""Fields of the form on a cause's page that a person fills in."""

ASKS_AGAIN_FROM = 1000
"""Exporting more rows than this requires the person to authenticate again (row Q34)."""


@page(Action.VIEW)
def failures(request: CompanyRequest) -> HttpResponse:
    company, targets = request.company, guards.target_ids(request.reach)
    shown = causes.rows(request.reach, ledger_failures.causes(company.pk, targets))
    waits = causes.rows(request.reach, next_try.causes(company.pk, targets))
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
        "answer": answer_of(company, request.reach, guards.now(request)).headline,
        "excluded": sum(one.copies for one in excluded),
        "excluded_for": [(in_words(one.reason), one.copies, one.reason) for one in excluded],
        "longest_note": failure_actions.LONGEST_NOTE,
        "not_known": not_known.load_unknown(company, request.reach, guards.now(request)),
        "may_retry": Action.BACK_UP in request.reaches,
        "may_export": Action.DOWNLOAD in request.reaches,
        "in_buckets": _in_buckets(request),
    }
    return render(request, "console/failures/failures.html", context)


def _in_buckets(request: CompanyRequest) -> list[tuple[Bucket, int]]:
    """Return the buckets in which an inventory found what is no recording's failure, with the number of open findings; only for people who
    see the whole company and its buckets."""
    reach = request.reaches.get(Action.SET_BUCKETS)
    if reach is None or not reach.whole or not request.reach.whole:
        return []
    buckets = {one.pk: one for one in request.company.buckets.all()}
    return [(buckets[bucket], number) for bucket, number in inventory_findings.open_objects(request.company.pk)]


@page(Action.BACK_UP, CHANGE, keeps=FIELDS)
def retry(request: CompanyRequest) -> HttpResponse:
    """Retry what the form names, then redirect to the page that shows the progress."""
    which = _which(request)
    if which is None:
        messages.error(request, _("Select at least one recording."))
        return draft_pages.back(request)
    begun = failure_actions.retry(
        request.company, guards.target_ids(request.reach), which, queue, guards.actor(request), guards.now(request)
    )
    if begun is None:
        messages.info(request, _("Nothing was left to retry: someone did, or it is backed up by now."))
        return _to_failures(request)
    return HttpResponseRedirect(reverse("console:failures-retried", args=[request.company.public_id, begun.pk]), status=303)


@page(Action.BACK_UP, CHANGE, keeps=FIELDS)
def close(request: CompanyRequest) -> HttpResponse:
    """Close what the form names, with the form's note as the reason."""
    which, note = _which(request), failure_actions.note(request.POST.get("note", ""))
    if which is None or not note:
        messages.error(request, _("Write why nothing is to be done.") if which is not None else _("Select at least one recording."))
        return draft_pages.back(request)
    closed = failure_actions.close(
        request.company, guards.target_ids(request.reach), which, note, guards.actor(request), guards.now(request)
    )
    messages.success(request, ngettext("%(count)d recording was closed.", "%(count)d recordings were closed.", closed) % {"count": closed})
    return _back(request)


@page(Action.BACK_UP, CHANGE, keeps=FIELDS)
def reopen(request: CompanyRequest) -> HttpResponse:
    """Re-open what the form names. Of "what is not closed", only the ticked recordings can be meant."""
    which = _which(request, ("cause",))
    if which is None:
        messages.error(request, _("Select at least one recording."))
        return draft_pages.back(request)
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


@page(Action.DOWNLOAD, CHANGE)
def export(request: CompanyRequest) -> HttpResponseBase:
    """Export everything within reach that is not backed up, as CSV."""
    asked = Asked(guards.target_ids(request.reach))
    if failures_export.size(request.company, asked) > ASKS_AGAIN_FROM and not recent_auth.is_fresh(request):
        return recent_auth.ask(request)
    headings, lines = failures_export.export(request.company, asked, guards.actor(request), guards.now(request))
    unknown = not_known_rows.rows(request.company, asked.targets, None, guards.now(request), of_nobody=request.reach.whole)
    return csv_response.answer("rokuon-failures.csv", headings, chain(lines, unknown))


def _which(request: CompanyRequest, whole: tuple[str, ...] = ("cause", "open")) -> Which | None:
    """Return what the form names: all, a cause if it is named by one of the words in `whole`, else the ticked recordings. None if nothing
    was ticked. A cause is "cause", or "open" for what of it is not closed."""
    what = request.POST.get("what", "")
    if what == "all":
        return Which(state=Copy.State.FAILED)
    if what in whole:
        state, reason = _cause(request)
        return Which(state=state, reason=reason, waiting=state == Copy.State.PENDING)
    ids = guards.row_ids(request, "copy")
    return Which(ids=ids, waiting=True) if ids else None


def _cause(request: CompanyRequest) -> tuple[str, str]:
    """Return the state and the reason that the form names; "" for a value that is not valid."""
    state, reason = request.POST.get("state", ""), request.POST.get("reason", "")
    return state if state in Copy.State.values else "", reason if _REASON.fullmatch(reason) else ""


def _to_failures(request: CompanyRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:failures", args=[request.company.public_id]), status=303)


def _back(request: CompanyRequest) -> HttpResponse:
    """Redirect to the cause's page, from which the form was sent."""
    state, reason = _cause(request)
    if state not in ledger_failures.NOT_BACKED_UP or not reason:
        return _to_failures(request)
    return HttpResponseRedirect(reverse("console:failures-cause", args=[request.company.public_id, state, reason]), status=303)
