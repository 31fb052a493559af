"""Views of the certificate of completeness: the page, which prints as the certificate, and its downloads."""

import json
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from rokuon.accounts.permissions import Action
from rokuon.actions import certificate as actions
from rokuon.console.web import csv_response, guards
from rokuon.console.web.guards import CHANGE, CompanyRequest, page
from rokuon.wiring import certificate, certificate_html
from rokuon.wiring.certificate import Certificate
from rokuon.wiring.certificate_json import as_json
from rokuon.wiring.certificate_sheet import sheet

from .forms import CertificateForm

FIELDS = ("of", "since", "until")


@page(Action.VIEW)
def show(request: CompanyRequest) -> HttpResponse:
    """Show the certificate that the address asks for; without dates, the form alone."""
    form = CertificateForm(request.GET, request.company, request.reach, guards.now(request))
    made = _made(request, form) if form.is_valid() else None
    shown = {
        "form": form,
        "asked": {name: request.GET.get(name, "") for name in FIELDS},
        "sheet": sheet(made) if made is not None else None,
        "may_export": Action.DOWNLOAD in request.reaches,
        "forms": list(FORMS),
        "zone": guards.company_zone(request.company),
    }
    return render(request, "console/certificate/certificate.html", shown)


@page(Action.DOWNLOAD, CHANGE)
def export(request: CompanyRequest) -> HttpResponseBase:
    """Download the certificate that the form asks for, in one of `FORMS`. The audit log names it first."""
    form = CertificateForm(request.POST, request.company, request.reach, guards.now(request))
    write = FORMS.get(request.POST.get("as", ""))
    if write is None or not form.is_valid():
        asked = {name: request.POST[name] for name in FIELDS if request.POST.get(name)}
        url = reverse("console:certificate", args=[request.company.public_id])
        return HttpResponseRedirect(f"{url}?{urlencode(asked)}" if asked else url, status=303)
    made = _made(request, form)
    actions.exported(made, request.POST["as"], guards.actor(request))
    answer = write(made)
    answer["Cache-Control"] = "no-store"
    return answer


def _made(request: CompanyRequest, form: CertificateForm) -> Certificate:
    return certificate.certify(
        request.company,
        form.first,
        form.last,
        now=guards.now(request),
        made_by=request.user.email,
        zone=guards.reader_zone(request),
        offices=request.reach.offices,
        office=form.office,
        target=form.target,
    )


def _csv(made: Certificate) -> HttpResponseBase:
    return csv_response.answer(_name(made, "csv"), *actions.table(made))


def _json(made: Certificate) -> HttpResponseBase:
    text = json.dumps(as_json(made), ensure_ascii=False, indent=2, default=datetime.isoformat)
    return _file(text.encode(), "application/json", _name(made, "json"))


def _html(made: Certificate) -> HttpResponseBase:
    return _file(certificate_html.write(sheet(made)), "text/html; charset=utf-8", _name(made, "html"))


def _pdf(made: Certificate) -> HttpResponseBase:
    from rokuon.wiring import certificate_pdf  # the PDF library is loaded when the first file is made

    return _file(certificate_pdf.write(sheet(made)), "application/pdf", _name(made, "pdf"))


def _file(data: bytes, content_type: str, name: str) -> HttpResponse:
    answer = HttpResponse(data, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _name(made: Certificate, ending: str) -> str:
    return f"rokuon-certificate-{made.figures.first}-{made.figures.last}.{ending}"


FORMS: dict[str, Callable[[Certificate], HttpResponseBase]] = {"PDF": _pdf, "HTML": _html, "CSV": _csv, "JSON": _json}
"""The forms in which a certificate is downloaded; the audit log has the same words."""
