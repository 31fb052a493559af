"""The throughput of one run, as curves and as a table: a page of its own, and a part of the run's page."""

import math
import time

from django.http import HttpResponse
from django.shortcuts import render

from rokuon.accounts.permissions import Action
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest, page
from rokuon.ledger import run_curve
from rokuon.ledger.runs import OPEN

from . import curve_svg, read_model

LOOK_EVERY_S = 15
SLOW_LOOK = 20
"""A part of a page polls at intervals of at least this many times the duration of one poll."""


@page(Action.VIEW)
def show(request: CompanyRequest, run: int) -> HttpResponse:
    """Show the page; to htmx, the part."""
    found = read_model.run_or_404(request.reach, run)
    began = time.monotonic()
    steps = run_curve.curve(found, guards.now(request), guards.target_set(request.reach))
    took = time.monotonic() - began
    scope = read_model.scope_of(request.company, found.scope_kind, found.scope_id)
    shown = {
        "run": found,
        "scope": scope,
        "partial": not request.reach.covers(scope.office_id),
        "steps": [step for step in steps if step.copies],
        "drawings": (curve_svg.drawn([one.per_second for one in steps]), curve_svg.drawn([one.bytes_per_second for one in steps])),
        "highest": max((one.per_second for one in steps), default=0),
        "highest_bytes": max((one.bytes_per_second for one in steps), default=0),
        "step_s": steps[0].seconds if steps else 0,
        "open": found.state in OPEN,
        "again_in": max(LOOK_EVERY_S, math.ceil(SLOW_LOOK * took)),
        "now": guards.now(request),
    }
    part = request.headers.get("HX-Request") == "true"
    return render(request, "console/runs/curve_part.html" if part else "console/runs/curve.html", shown)
