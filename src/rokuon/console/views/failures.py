"""The failure desk (M12): what failed, grouped by cause with what to do; retry one, some, a cause or all; close what is explained."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rokuon.accounts import fresh
from rokuon.accounts.may import Action, Reach
from rokuon.console import csv_file, gate, notices
from rokuon.console.gate import CHANGE, CompanyRequest, page
from rokuon.console.recordings_form import PAGE
from rokuon.console.strip import WORKER_SILENT_S
from rokuon.jobs import queue
from rokuon.ledger import desk, search, tally
from rokuon.ledger.desk import Cause, Which
from rokuon.ledger.models import Copy, Retry
from rokuon.ledger.reasons import in_words
from rokuon.ledger.search import Filters, Within
from rokuon.org.models import Target
from rokuon.org.tree import zone_of
from rokuon.wiring import desk as by_person

from .notices import stop_reminders

PER_PAGE = 100
MOST_TARGETS = 5
ASKS_AGAIN_FROM = 1000
"""Exporting more rows than this asks the person who they are (row Q34)."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A cause in words. `targets` are the worst hit, `more` how many others there are. `zone` is the targets' own where they share one."""

    cause: Cause
    sentence: str
    targets: tuple[tuple[Target, int], ...]
    more: int
    zone: str


@page(Action.VIEW)
def failures(request: CompanyRequest) -> HttpResponse:
    shown = _in_words(request.reach, desk.causes(request.company.pk, gate.target_ids(request.reach)))
    excluded = [one for one in tally.causes(request.company.pk, gate.target_ids(request.reach)) if one.state == Copy.State.EXCLUDED]
    context = {
        "failed": [one for one in shown if one.cause.state == Copy.State.FAILED and one.cause.left],
        "gone": [one for one in shown if one.cause.state == Copy.State.GONE and one.cause.left],
        "closed": [one for one in shown if not one.cause.left],
        "left": sum(one.cause.left for one in shown if one.cause.state == Copy.State.FAILED),
        "excluded": sum(one.copies for one in excluded),
        "excluded_for": [(in_words(one.reason), one.copies) for one in excluded],
        "may_retry": Action.BACK_UP in request.reaches,
        "may_export": Action.DOWNLOAD in request.reaches,
    }
    return render(request, "console/failures.html", context)


@page(Action.VIEW)
def cause(request: CompanyRequest, state: str, reason: str) -> HttpResponse:
    """One cause with its recordings, to choose from."""
    of_all = desk.causes(request.company.pk, gate.target_ids(request.reach))
    found = next((one for one in of_all if (one.state, one.reason) == (state, reason)), None)
    if found is None:
        messages.info(request, _("Nothing is left of this cause."))
        return _to_desk(request)
    within, cursor = [Within(pk) for pk in gate.targets(request.reach).values_list("pk", flat=True)], request.GET.get(PAGE, "")
    try:
        listed = search.find(request.company.pk, within, Filters(state=state, reason=reason), cursor, PER_PAGE)
    except ValueError:
        return HttpResponseRedirect(request.path)
    if cursor and not listed.copies:
        # What stood there is retried or closed: from the top again.
        return HttpResponseRedirect(request.path)
    prefetch_related_objects(listed.copies, "target__office", "closing")
    rows = [(copy, zone_of(copy.target), desk.closing(copy)) for copy in listed.copies]
    (shown,) = _in_words(request.reach, [found])
    told = list(notices.of_cause(request.reach, state, reason).order_by("office__name", "pk"))
    context = {
        "one": shown,
        "rows": rows,
        "newer": listed.newer,
        "older": listed.older,
        "page_name": PAGE,
        "longest_note": by_person.LONGEST_NOTE,
        "notices": told,
        "reminds": any(one.acknowledged_at is None for one in told),
        "may_retry": Action.BACK_UP in request.reaches,
    }
    return render(request, "console/failures_cause.html", context)


@page(Action.BACK_UP, CHANGE)
def retry(request: CompanyRequest) -> HttpResponse:
    """Try again what the form names; then watch what becomes of it."""
    which = _which(request)
    if which is None:
        messages.error(request, _("Choose at least one recording."))
        return _back(request)
    begun = by_person.retry(request.company, gate.target_ids(request.reach), which, queue, gate.actor(request), gate.now(request))
    if begun is None:
        messages.info(request, _("Nothing was left to retry: somebody did, or it is backed up by now."))
        return _to_desk(request)
    return HttpResponseRedirect(reverse("console:failures-retried", args=[request.company.public_id, begun.pk]), status=303)


@page(Action.BACK_UP, CHANGE)
def close(request: CompanyRequest) -> HttpResponse:
    """Mark as explained what the form names, with the reason that it gives."""
    which, note = _which(request), by_person.note(request.POST.get("note", ""))
    if which is None or not note:
        messages.error(request, _("Write why nothing is to be done.") if which is not None else _("Choose at least one recording."))
        return _back(request)
    closed = by_person.close(request.company, gate.target_ids(request.reach), which, note, gate.actor(request), gate.now(request))
    messages.success(request, ngettext("%(count)d recording was closed.", "%(count)d recordings were closed.", closed) % {"count": closed})
    return _to_desk(request)


@page(Action.BACK_UP, CHANGE)
def acknowledge(request: CompanyRequest) -> HttpResponse:
    """Stop the reminders of the cause that the form names, in every office within reach."""
    state, reason = (request.POST.get(name, "").replace("\0", "") for name in ("state", "reason"))
    stop_reminders(request, notices.of_cause(request.reach, state, reason).filter(acknowledged_at=None))
    return _back(request)


@page(Action.VIEW)
def retried(request: CompanyRequest, retry: int) -> HttpResponse:
    return render(request, "console/failures_retried.html", _progress(request, retry))


@page(Action.VIEW)
def retried_progress(request: CompanyRequest, retry: int) -> HttpResponse:
    """The live part alone."""
    return render(request, "console/failures_progress.html", _progress(request, retry))


def _progress(request: CompanyRequest, retry_id: int) -> dict[str, Any]:
    """Raises Http404 where none of the copies is within reach."""
    found = get_object_or_404(Retry, pk=retry_id, company_id=request.company.pk)
    counts = Counter(desk.progress(found, gate.target_ids(request.reach)))
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
    """Every failed and gone recording within reach, as CSV."""
    targets = gate.target_ids(request.reach)
    of_all = desk.causes(request.company.pk, targets)
    rows = sum(one.copies for one in of_all)
    if rows > ASKS_AGAIN_FROM and not fresh.is_fresh(request):
        return fresh.ask(request)
    headings, lines = by_person.export(request.company, targets, of_all, gate.actor(request), gate.now(request))
    return csv_file.answer("rokuon-failures.csv", headings, lines)


def _in_words(reach: Reach, causes: Sequence[Cause]) -> list[Shown]:
    known = {target.pk: target for target in gate.targets(reach).filter(pk__in={pk for one in causes for pk, _copies in one.targets})}
    shown = []
    for one in causes:
        hit = [(known[pk], copies) for pk, copies in one.targets if pk in known]
        zones = {zone_of(target) for target, _copies in hit}
        zone = zones.pop() if len(zones) == 1 else ""
        shown.append(Shown(one, in_words(one.reason), tuple(hit[:MOST_TARGETS]), max(0, len(hit) - MOST_TARGETS), zone))
    return shown


def _which(request: CompanyRequest) -> Which | None:
    """What the form names: the ticked recordings, a cause, or all. None where nothing was ticked."""
    what = request.POST.get("what", "")
    if what == "all":
        return Which(state=Copy.State.FAILED)
    if what == "cause":
        return Which(state=request.POST.get("state", ""), reason=request.POST.get("reason", ""))
    ids = [_whole(text) for text in request.POST.getlist("copy")]
    return Which(ids=ids) if ids else None


def _whole(text: str) -> int:
    """A number from an address or a form. Raises PermissionDenied for what no page of ours sends."""
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise PermissionDenied
    return int(text)


def _to_desk(request: CompanyRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:failures", args=[request.company.public_id]), status=303)


def _back(request: CompanyRequest) -> HttpResponse:
    """To the page of the cause that the form stood on."""
    state, reason = request.POST.get("state", ""), request.POST.get("reason", "")
    if state not in (Copy.State.FAILED, Copy.State.GONE) or not reason.replace("_", "").isalnum():
        return _to_desk(request)
    return HttpResponseRedirect(reverse("console:failures-cause", args=[request.company.public_id, state, reason]), status=303)
