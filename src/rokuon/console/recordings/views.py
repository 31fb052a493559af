"""Views of recordings: search the ledger, and show everything that it knows about one recording."""

from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from rokuon.accounts.permissions import AccessReach, Action
from rokuon.actions.failures import LONGEST_NOTE
from rokuon.actions.recordings_download import MOST_IN_ZIP
from rokuon.console.web import guards
from rokuon.console.web.guards import CompanyRequest, page
from rokuon.ledger import aside, proofs, search, search_totals
from rokuon.ledger.models import Copy
from rokuon.ledger.search_order import NEWEST, OLDEST

from .asked import form_of
from .forms import COLUMNS, EARLIEST, LATEST, PAGE, columns_of
from .rows import rows_of

JUMP = "jump"


@page(Action.VIEW)
def recordings(request: CompanyRequest) -> HttpResponse:
    targets = list(guards.targets(request.reach).order_by("office__name", "office_id", "kind", "name", "pk"))
    form = form_of(request, targets)
    if (day := parse_day(request.GET.get(JUMP, ""))) is not None and form.is_valid():
        return _to(request, form.at_day(day))
    if request.method == "GET" and any(value == "" or name == JUMP for name, values in request.GET.lists() for value in values):
        return _to(request, form.query())
    columns = columns_of(request.company, form.columns)
    context: dict[str, Any] = {
        "form": form,
        "run": form.of_run,
        "retried": form.of_retry,
        "targets": targets,
        "columns": columns,
        "every_column": columns_of(request.company, tuple(COLUMNS)),
    }
    if not form.is_valid():
        return render(request, "console/recordings/recordings.html", {**context, "rows": []}, status=422)
    try:
        found = search.find(request.company.pk, form.within, form.filters, request.GET.get(PAGE, ""), order=form.order_by)
    except ValueError:
        return _to(request, form.query())
    single = not found.newer and not found.older and found.copies
    totals = search_totals.totals_of(found.copies) if single else search_totals.totals(request.company.pk, form.within, form.filters)
    links = {name: f"?{form.query(cursor)}" for name, cursor in (("newer", found.newer), ("older", found.older)) if cursor}
    context |= {
        "rows": rows_of(request, found.copies, targets),
        "totals": totals,
        "shown": [name for name, _heading in columns],
        "by_time": form.order_by in (NEWEST, OLDEST),
        "may_download": Action.DOWNLOAD in request.reaches,
        "all_in_zip": not totals.more and 0 < totals.copies <= MOST_IN_ZIP,
        "most_in_zip": MOST_IN_ZIP,
        "query": form.query(),
    }
    return render(request, "console/recordings/recordings.html", context | links)


@page(Action.VIEW)
def recording(request: CompanyRequest, copy: int) -> HttpResponse:
    found = copy_or_404(request.reach, copy)
    row = rows_of(request, [found], [found.target])[0]
    office, verified = found.target.office_id, found.state == Copy.State.VERIFIED
    kept = None if verified else aside.of([found.pk]).get(found.pk)
    shown = {
        "row": row,
        "listens": verified and guards.allowed(request, Action.LISTEN, office),
        "downloads": verified and guards.allowed(request, Action.DOWNLOAD, office),
        "verified": verified,
        "aside": kept,
        "accepted": found.accepted if verified else None,
        "hears_aside": kept is not None and guards.allowed(request, Action.LISTEN, office),
        "downloads_aside": kept is not None and guards.allowed(request, Action.DOWNLOAD, office),
        "may_decide": found.state in (Copy.State.FAILED, Copy.State.GONE) and guards.allowed(request, Action.BACK_UP, office),
        "longest_note": LONGEST_NOTE,
        "proof": proofs.sentence(found.proof),
        "looked_at": proofs.looked_at(found.facts),
    }
    return render(request, "console/recordings/recording.html", shown)


def copy_or_404(reach: AccessReach, copy_id: int) -> Copy:
    """Return a copy within reach, with its related rows. Raises Http404 for any other."""
    within = Copy.objects.filter(company_id=reach.company_id, target__in=guards.targets(reach))
    found = within.select_related("recording", "bucket", "target__office", "accepted").filter(pk=copy_id).first()
    if found is None:
        raise Http404
    return found


def _to(request: HttpRequest, query: str) -> HttpResponse:
    return redirect(f"{request.path}?{query}" if query else request.path)


def parse_day(text: str) -> date | None:
    """Return the day of the field "jump to date"; None for none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None
