"""View of the search field in the header: the page says how it understood the text, and shows what each reading finds.

The form is posted, so that no phone number is in an address, which servers log: the page's address contains such a text encrypted.
"""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.accounts.permissions import Action
from rokuon.base.secrets import SecretUnreadable
from rokuon.console.web import guards
from rokuon.console.web.guards import FORM, CompanyRequest, page
from rokuon.console.web.installation import installation
from rokuon.domain import placement
from rokuon.domain.sought import LONGEST, Sought, understand
from rokuon.wiring.connections import company_owner
from rokuon.wiring.recording_search import ReadAs, Reading, find

from .forms import ZONE, columns_of
from .rows import rows_of

TEXT, SEALED = "q", "s"
FIELD = "search"
SHOWN = ("agent", "party", "state", "length", "call", "recording")


@page(Action.VIEW, FORM)
def search(request: CompanyRequest) -> HttpResponse:
    company = request.company
    zone = guards.company_zone(company)
    today = guards.now(request).astimezone(placement.zone(zone)).date()
    if request.method == "POST":
        sought = understand(request.POST.get(TEXT, ""), today)
        return HttpResponseRedirect(f"{request.path}?{urlencode(_query(request, sought))}" if sought.text else request.path, status=303)
    text = _text(request)
    vault = installation().vault if understand(text, today).number else None
    targets = list(guards.targets(request.reach))
    found = find(company, [target.pk for target in targets], text, vault, today, zone)
    shown = [_shown(request, one, rows_of(request, one.copies, targets)) for one in found.readings]
    context = {
        "sought": found.sought.text,
        "found": found,
        "readings": shown,
        "columns": columns_of(company, SHOWN),
        "zone": zone or "UTC",
        "longest": LONGEST,
        "may_set": guards.allowed(request, Action.SET_COMPANY),
    }
    return render(request, "console/recordings/search.html", context)


def _query(request: CompanyRequest, sought: Sought) -> dict[str, str]:
    if not sought.number:
        return {TEXT: sought.text}
    return {SEALED: installation().vault.seal(sought.text, owner=company_owner(request.company.pk), field=FIELD)}


def _text(request: CompanyRequest) -> str:
    """Return the text of the address; "" for one that this installation did not encrypt for this company."""
    sealed = request.GET.get(SEALED, "")
    if not sealed:
        return request.GET.get(TEXT, "")[: LONGEST * 2]
    try:
        return installation().vault.open(sealed, owner=company_owner(request.company.pk), field=FIELD).reveal()
    except SecretUnreadable:
        return ""


def _shown(request: CompanyRequest, reading: Reading, rows: list[Any]) -> dict[str, Any]:
    filters, days = reading.filters, reading.days
    asked = {"call": filters.call_id, "recording": filters.recording_id, "number": filters.number, "agent": filters.agent}
    query = {name: value for name, value in asked.items() if value}
    if days is not None:
        query |= {"since": f"{days.first}", "until": f"{days.last}", "zone": ZONE}
    name = {
        ReadAs.CALL: _("Call ID"),
        ReadAs.RECORDING: _("Recording ID"),
        ReadAs.NUMBER: _("Phone number"),
        ReadAs.DAYS: _("Date"),
        ReadAs.AGENT: _("Agent"),
    }[reading.kind]
    list_url = reverse("console:recordings", args=[request.company.public_id])
    return {"reading": reading, "name": name, "rows": rows, "url": f"{list_url}?{urlencode(query)}"}
