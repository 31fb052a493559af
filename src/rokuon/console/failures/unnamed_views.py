"""Views of recorded calls for which no recording is listed: list them by id, close those that are explained, re-open them."""

from datetime import UTC, datetime, timedelta

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.accounts import draft_pages
from rokuon.accounts.permissions import Action
from rokuon.actions import failures
from rokuon.actions import unnamed_calls as unnamed_actions
from rokuon.console.web import guards
from rokuon.console.web.guards import CHANGE, CompanyRequest, page
from rokuon.domain.row_ids import row_id
from rokuon.ledger import unnamed
from rokuon.ledger.models import Call
from rokuon.org.tree import zone_of

from . import closings
from .closings import ClosingText

PER_PAGE = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@page(Action.VIEW)
def show(request: CompanyRequest) -> HttpResponse:
    found = unnamed.calls(request.company.pk, guards.target_ids(request.reach))
    behind = request.GET.get("before", "")
    try:
        part = _behind(found, behind) if behind else found
    except ValueError:
        return HttpResponseRedirect(request.path)
    listed = list(part[: PER_PAGE + 1])
    if behind and not listed:
        return HttpResponseRedirect(request.path)
    rows = [(call, zone_of(call.target), unnamed.closing(call)) for call in listed[:PER_PAGE]]
    context = {
        "rows": rows,
        "left": unnamed.still_open(found).count(),
        "closed": any(closing is not None for _call, _zone, closing in rows),
        "advice": unnamed_actions.advice(request.company),
        "behind": behind,
        "older": _place(listed[PER_PAGE - 1]) if len(listed) > PER_PAGE else "",
        "longest_note": failures.LONGEST_NOTE,
        "may_close": Action.BACK_UP in request.reaches,
    }
    return render(request, "console/failures/unnamed.html", context)


WORDS = ClosingText(
    choose=lambda: _("Select at least one call."),
    choose_closed=lambda: _("Select at least one call that is closed."),
    closed=lambda count: ngettext("%(count)d call was closed.", "%(count)d calls were closed.", count) % {"count": count},
    opened=lambda count: ngettext("%(count)d call is open again.", "%(count)d calls are open again.", count) % {"count": count},
)


@page(Action.BACK_UP, CHANGE, keeps=("call", "note"))
def close(request: CompanyRequest) -> HttpResponse:
    done = closings.close(request, "call", unnamed_actions, WORDS)
    return _back(request) if done else draft_pages.back(request)


@page(Action.BACK_UP, CHANGE, keeps=("call", "note"))
def reopen(request: CompanyRequest) -> HttpResponse:
    done = closings.reopen(request, "call", unnamed_actions, WORDS)
    return _back(request) if done else draft_pages.back(request)


def _place(call: Call) -> str:
    return f"{(call.started_at - _EPOCH) // timedelta(microseconds=1)}-{call.pk}"


def _behind(found: QuerySet[Call], place: str) -> QuerySet[Call]:
    """Return the calls older than `place`. Raises ValueError for a value that `_place` did not write."""
    started, _dash, call = place.partition("-")
    number = row_id(call)
    if number is None or not (started.isascii() and started.isdigit() and len(started) <= 16):
        raise ValueError(place)
    return unnamed.older(found, _EPOCH + timedelta(microseconds=int(started)), number)


def _back(request: CompanyRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:failures-unnamed", args=[request.company.public_id]), status=303)
