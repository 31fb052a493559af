"""View to add a company: an operator enters its Dialpad key, which Rokuon checks at once, and becomes its first company admin."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from rokuon.actions import companies
from rokuon.console.web import guards
from rokuon.console.web.guards import FORM, SignedInRequest, signed_in
from rokuon.console.web.installation import installation
from rokuon.domain.failures import ConfigError, RokuonError
from rokuon.wiring import key_report_text
from rokuon.wiring.key_check import KeyReport

from .views import REFUSED, host_of, key_of

DIALPAD = "https://dialpad.com"


@signed_in(FORM, fresh=True, keeps=("address",))
def company_new(request: SignedInRequest) -> HttpResponse:
    """Add a company. 403 for everybody except operators, because a company uses requests, space and a name."""
    if not request.user.is_operator:
        raise PermissionDenied
    address = request.POST.get("address", DIALPAD).strip()
    if request.method != "POST":
        return _shown(request, address)
    key, now = key_of(request), guards.now(request)
    try:
        base_url = companies.canonical_base_url(address)
    except ConfigError as error:
        return _shown(request, address, address_error=key_report_text.trouble(error))
    try:
        report = companies.examine_key(installation().config, base_url, key, now)
    except RokuonError as error:
        return _shown(request, address, key_error=key_report_text.trouble(error))
    if report.account is None:
        return _shown(request, address, key_error=key_report_text.refusal(report, host_of(base_url)), report=report)
    try:
        company, _result = companies.register_company(installation(), base_url, key, report, guards.actor(request), now)
    except ConfigError as error:
        return _shown(request, address, key_error=key_report_text.trouble(error))
    messages.success(request, _("The key works, and the company is added. You are its company admin."))
    return HttpResponseRedirect(reverse("console:set_up", args=[company.public_id]), status=303)


def _shown(
    request: SignedInRequest, address: str, *, address_error: str = "", key_error: str = "", report: KeyReport | None = None
) -> HttpResponse:
    context = {
        "address": address,
        "address_error": address_error,
        "key_error": key_error,
        "key_lines": key_report_text.lines(report.kept()) if report is not None else [],
        "keys_are": _(key_report_text.WHERE_KEYS_ARE),
    }
    return render(request, "console/setup/company_new.html", context, status=REFUSED if address_error or key_error else 200)
