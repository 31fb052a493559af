"""Views of the log of sign-ins and attempts: a company's people for its admins, everybody for operators."""

from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from rokuon.accounts import sign_ins
from rokuon.accounts.addresses import as_kept
from rokuon.accounts.permissions import Action
from rokuon.accounts.sign_in_models import Result, SignIn
from rokuon.accounts.sign_in_text import in_words
from rokuon.console.web import pagination
from rokuon.console.web.guards import CompanyRequest, SignedInRequest, page, signed_in


@page(Action.AUDIT)
def of_company(request: CompanyRequest) -> HttpResponse:
    return _shown(request, sign_ins.of_company(request.company.pk))


@signed_in()
def of_installation(request: SignedInRequest) -> HttpResponse:
    """Show everybody's sign-ins to operators; 403 for everybody else."""
    if not request.user.is_operator:
        raise PermissionDenied
    return _shown(request, sign_ins.everybodys())


def _shown(request: HttpRequest, found: QuerySet[SignIn]) -> HttpResponse:
    asked = {name: request.GET.get(name, "").replace("\0", "").strip()[:254] for name in ("email", "address", "only")}
    if asked["email"]:
        found = found.filter(email=as_kept(asked["email"]))
    if asked["address"]:
        found = found.filter(address=asked["address"])
    if asked["only"] == "refused":
        found = found.exclude(result=Result.OK)
    shown, place = pagination.page_of(found, request.GET.get("after", ""))
    query = {name: value for name, value in asked.items() if value}
    context = {
        "rows": [in_words(one) for one in shown],
        "asked": asked,
        "filtered": bool(query),
        "older": urlencode({**query, "after": place}) if place else "",
        "newest": f"?{urlencode(query)}" if "after" in request.GET else "",
    }
    return render(request, "console/audit/sign_ins.html", context)
