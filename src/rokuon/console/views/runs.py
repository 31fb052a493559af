"""One run of Back up now: how far it is, what it came to, and pause, resume, cancel."""

import math
import time
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts import audit
from rokuon.accounts.may import Action
from rokuon.console import gate, runs
from rokuon.console.gate import FORM, CompanyRequest, page
from rokuon.console.shell import WORKER_SILENT_S
from rokuon.jobs import queue
from rokuon.ledger import holds
from rokuon.ledger import runs as ledger_runs
from rokuon.ledger.models import Run
from rokuon.wiring import backup_now as use_case

LOOK_EVERY_S = 2
SLOW_LOOK = 10
"""A look that takes long is made so many times its own length apart, so that watching never costs more than a tenth of the database."""

CHANGES = {
    "pause": (Run.State.RUNNING, Run.State.PAUSED),
    "resume": (Run.State.PAUSED, Run.State.RUNNING),
    "cancel": (Run.State.RUNNING, Run.State.CANCELLED),
}


@page(Action.VIEW)
def run(request: CompanyRequest, run_id: int) -> HttpResponse:
    found = runs.run_or_404(request.reach, run_id)
    shown = _shown(request, found)
    shown["may_change"] = _may_change(request, shown["look"].scope)
    shown["why"] = [] if shown["look"].open else runs.why(found, request.reach)
    return render(request, "console/run.html", shown)


@page(Action.VIEW)
def progress(request: CompanyRequest, run_id: int) -> HttpResponse:
    """The live part alone. Tells the page to load anew when the run is in another state than the page shows."""
    shown = _shown(request, runs.run_or_404(request.reach, run_id))
    answer = render(request, "console/run_progress.html", shown)
    if request.GET.get("state") != shown["look"].run.state:
        answer["HX-Refresh"] = "true"
    return answer


def _shown(request: CompanyRequest, found: Run) -> dict[str, Any]:
    began = time.monotonic()
    look = runs.look(request.company, found, request.reach, gate.now(request))
    took = time.monotonic() - began
    return {
        "look": look,
        "unlisted": runs.unlisted(found, request.reach),
        # What is held may be another office's bucket: told to those who see the whole company.
        "held": [runs.in_words(hold.reason) for hold in holds.open_holds(request.company.pk)] if look.open and request.reach.whole else [],
        "no_worker": look.run.state == Run.State.RUNNING and not queue.live_workers(WORKER_SILENT_S),
        "again_in": max(LOOK_EVERY_S, math.ceil(SLOW_LOOK * took)),
    }


def _may_change(request: CompanyRequest, scope: runs.Scope) -> bool:
    return gate.allowed(request, Action.BACK_UP, scope.office_id)


@page(Action.BACK_UP, FORM)
def change(request: CompanyRequest, run_id: int, what: str) -> HttpResponse:
    """Pause, resume or cancel: first the numbers, then the change. Raises PermissionDenied for a run that goes beyond the reach."""
    if what not in CHANGES:
        raise Http404
    found = runs.run_or_404(request.reach, run_id)
    look = runs.look(request.company, found, request.reach, gate.now(request))
    if not request.reach.covers(look.scope.office_id):
        raise PermissionDenied
    if request.method == "POST":
        return _changed(request, look, what)
    if not look.open or (found.state != CHANGES[what][0] and what != "cancel"):
        return _back(request, found.pk)
    return render(request, "console/run_change.html", {"look": look, "what": what})


def _changed(request: CompanyRequest, look: runs.Look, what: str) -> HttpResponse:
    now, run_id = gate.now(request), look.run.pk
    acts: dict[str, Callable[[], bool]] = {
        "pause": lambda: ledger_runs.pause(run_id, now),
        "resume": lambda: use_case.resume(look.run, now, queue),
        "cancel": lambda: ledger_runs.cancel(run_id, now),
    }
    with transaction.atomic():
        done = acts[what]()
        if done:
            audit.record(
                gate.actor(request),
                f"run.{what}",
                now=now,
                company_id=request.company.pk,
                office_id=look.scope.office_id,
                subject=("run", run_id, look.scope.name),
                before={"state": look.run.state},
                after={"state": CHANGES[what][1].value},
            )
    if not done:
        messages.info(request, _("Nothing was changed: the backup is no longer in the state that you saw."))
    elif what == "pause":
        messages.success(request, _("Paused. What is being copied at this moment is finished; nothing is lost."))
    elif what == "resume":
        messages.success(request, _("The backup goes on where it stood."))
    else:
        messages.success(request, _("Cancelled. What is in the bucket stays; the next Back up now takes the rest."))
    return _back(request, run_id)


def _back(request: CompanyRequest, run_id: int) -> HttpResponse:
    return HttpResponseRedirect(reverse("console:backup_now-run", args=[request.company.public_id, run_id]), status=303)
