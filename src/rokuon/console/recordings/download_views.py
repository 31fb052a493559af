"""Views to export the list of a search, and to download a selection of recordings as a zip."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts import recent_auth
from rokuon.accounts.permissions import Action
from rokuon.actions import recordings_download
from rokuon.actions.recordings_download import MOST_IN_ZIP
from rokuon.base.i18n import keep_language
from rokuon.console.web import csv_response, guards
from rokuon.console.web.guards import CHANGE, CompanyRequest, page
from rokuon.console.web.installation import installation
from rokuon.domain.failures import ConfigError
from rokuon.ledger import search_totals

from .asked import form_of
from .forms import RecordingsForm

ASKS_AGAIN_FROM = 1000
"""Exporting more rows than this requires the person to authenticate again (row Q34)."""


@page(Action.DOWNLOAD, CHANGE, keeps=("copy",))
def export(request: CompanyRequest) -> HttpResponseBase:
    """Export the list that the address names, of what this person may download."""
    form = _form(request)
    if form is None:
        return _to_list(request)
    totals = search_totals.totals(request.company.pk, form.within, form.filters)
    if totals.copies > ASKS_AGAIN_FROM and not recent_auth.is_fresh(request):
        return recent_auth.ask(request)
    headings, rows = recordings_download.export(
        request.company, form.within, form.filters, form.order_by, totals.copies, guards.actor(request), guards.now(request)
    )
    return csv_response.answer("rokuon-recordings.csv", headings, rows)


@page(Action.DOWNLOAD, CHANGE, keeps=("copy",))
def zip_selection(request: CompanyRequest) -> HttpResponseBase:
    """Download the ticked recordings, or with `what=all` those of the list that the address names."""
    company = request.company
    if request.POST.get("what") == "all":
        form = _form(request)
        copies = recordings_download.found_in_list(company.pk, form.within, form.filters) if form is not None else []
    else:
        ids = guards.row_ids(request, "copy")[:MOST_IN_ZIP]
        copies = recordings_download.selected(company.pk, [target.pk for target in guards.targets(request.reach)], ids)
    if not copies:
        messages.error(request, _("Choose at least one recording that is backed up."))
        return _to_list(request)
    try:
        opened = installation()
    except ConfigError:
        messages.error(request, _("This installation cannot open the bucket."))
        return _to_list(request)
    body = recordings_download.zip_of(opened, company, copies, guards.actor(request), guards.now(request))
    answer = StreamingHttpResponse(keep_language(body), content_type="application/zip")
    answer["Content-Disposition"] = 'attachment; filename="rokuon-recordings.zip"'
    answer["Cache-Control"] = "no-store"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _form(request: CompanyRequest) -> RecordingsForm | None:
    """Return the list that the address names, within what this person may download; None if it makes no sense."""
    targets = list(guards.targets(request.reach).order_by("pk"))
    form = form_of(request, targets)
    return form if form.is_valid() else None


def _to_list(request: CompanyRequest) -> HttpResponse:
    query = request.META.get("QUERY_STRING", "")
    url = reverse("console:recordings", args=[request.company.public_id])
    return HttpResponseRedirect(f"{url}?{query}" if query else url, status=303)
