"""Views of one run of Back up now: progress, result, and pause, resume, cancel."""

import math
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts.audit import Actor
from rokuon.accounts.permissions import Action
from rokuon.actions import runs
from rokuon.console.web import guards
from rokuon.console.web.guards import FORM, CompanyRequest, page
from rokuon.console.web.status_banner import WORKER_SILENT_S
from rokuon.jobs import queue
from rokuon.ledger import holds
from rokuon.ledger.models import Run
from rokuon.ledger.reasons import in_words
from rokuon.ledger.runs import OPEN

from . import read_model

LOOK_EVERY_S = 2
SLOW_LOOK = 10
"""The page polls at intervals of at least this many times the duration of one poll, so polling takes at most a tenth of the database."""


@page(Action.VIEW)
def show(request: CompanyRequest, run: int) -> HttpResponse:
    found = read_model.run_or_404(request.reach, run)
    shown = _shown(request, found)
    shown["may_change"] = _may_change(request, shown["look"].scope)
    ended = not shown["look"].open
    shown["why"] = read_model.why(found, request.reach) if ended else []
    shown["answer"] = read_model.answer(request.company, shown["look"], request.reach, guards.now(request)) if ended else None
    return render(request, "console/runs/run.html", shown)


@page(Action.VIEW)
def progress(request: CompanyRequest, run: int) -> HttpResponse:
    """Render only the live part. Makes the page reload if the run's state differs from the state that the page shows."""
    shown = _shown(request, read_model.run_or_404(request.reach, run))
    answer = render(request, "console/runs/progress.html", shown)
    if request.GET.get("state") != shown["shown_as"]:
        answer["HX-Refresh"] = "true"
    return answer


def _shown(request: CompanyRequest, found: Run) -> dict[str, Any]:
    began = time.monotonic()
    look = read_model.load_run(request.company, found, request.reach, guards.now(request))
    took = time.monotonic() - began
    no_worker = look.run.state == Run.State.RUNNING and not queue.live_workers(WORKER_SILENT_S)
    return {
        "look": look,
        "unlisted": read_model.unlisted(found, request.reach),
        # The hold may be on another office's bucket, so only people who see the whole company get it.
        "held": [in_words(hold.reason) for hold in holds.open_holds(request.company.pk)] if look.open and request.reach.whole else [],
        "no_worker": no_worker,
        "shown_as": "waiting" if no_worker else look.run.state,
        "again_in": max(LOOK_EVERY_S, math.ceil(SLOW_LOOK * took)),
    }


def _may_change(request: CompanyRequest, scope: read_model.RunScope) -> bool:
    return guards.allowed(request, Action.BACK_UP, scope.office_id)


@page(Action.BACK_UP, FORM)
def pause(request: CompanyRequest, run: int) -> HttpResponse:
    """Show the numbers first (GET), then make the change (POST). `resume` and `cancel` do the same."""
    said = _("Paused. What is being copied at this moment is finished; nothing is lost.")
    return _change(request, run, "pause", (Run.State.RUNNING,), lambda found: runs.pause(found, *_by(request)), said)


@page(Action.BACK_UP, FORM)
def resume(request: CompanyRequest, run: int) -> HttpResponse:
    said = _("The backup has resumed.")
    return _change(request, run, "resume", (Run.State.PAUSED,), lambda found: runs.resume(found, queue, *_by(request)), said)


@page(Action.BACK_UP, FORM)
def cancel(request: CompanyRequest, run: int) -> HttpResponse:
    said = _("Cancelled. What is in the bucket stays; the next Back up now takes the rest.")
    return _change(request, run, "cancel", OPEN, lambda found: runs.cancel(found, *_by(request)), said)


def _by(request: CompanyRequest) -> tuple[Actor, datetime]:
    return guards.actor(request), guards.now(request)


def _change(
    request: CompanyRequest, run_id: int, what: str, possible: Sequence[str], act: Callable[[Run], bool], said: str
) -> HttpResponse:
    """Show the confirmation, or make the change. Raises PermissionDenied for a run that goes beyond the reach."""
    found = read_model.run_or_404(request.reach, run_id)
    scope = read_model.scope_of(request.company, found.scope_kind, found.scope_id)
    if not request.reach.covers(scope.office_id):
        raise PermissionDenied
    if request.method == "POST":
        if act(found):
            messages.success(request, said)
        else:
            messages.info(request, _("Nothing was changed: the backup is no longer in the state that you saw."))
    elif found.state in possible:
        look = read_model.load_run(request.company, found, request.reach, guards.now(request))
        return render(request, "console/runs/change.html", {"look": look, "what": what})
    return HttpResponseRedirect(reverse("console:backup_now-run", args=[request.company.public_id, run_id]), status=303)
