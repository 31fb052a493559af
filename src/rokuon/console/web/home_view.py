"""Views of the home page, and of the two choices on every page: language and colours."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from rokuon.accounts import permissions
from rokuon.accounts.models import Person
from rokuon.base import i18n
from rokuon.org.models import Company

from .guards import CHANGE, SignedInRequest, everyone, signed_in
from .page_context import LANGUAGE_COOKIE

YEAR_S = 365 * 86400


@signed_in()
def home(request: SignedInRequest) -> HttpResponse:
    """Redirect to the only company, or to the page that adds the first company; otherwise show a choice."""
    companies = list(Company.objects.filter(pk__in=permissions.company_ids(request.user.pk)).order_by("name", "pk"))
    if len(companies) == 1:
        return redirect("console:overview", companies[0].public_id)
    if not companies and request.user.is_operator and not Company.objects.exists():
        return redirect("console:company_new")
    return render(request, "console/companies.html", {"companies": companies})


@everyone(CHANGE)
def language(request: HttpRequest) -> HttpResponse:
    """Choose the language for this browser and, if a person is signed in, for the person."""
    chosen = request.POST.get("language", "")
    response = HttpResponseRedirect(page_before(request), status=303)
    if chosen in i18n.LANGUAGES:
        if request.user.is_authenticated:
            Person.objects.filter(pk=request.user.pk).update(language=chosen)
        response.set_cookie(LANGUAGE_COOKIE, chosen, max_age=YEAR_S, httponly=True, samesite="Lax", secure=request.is_secure())
    return response


@signed_in(CHANGE)
def theme(request: SignedInRequest) -> HttpResponse:
    """Choose light or dark colours, or the system's setting ("")."""
    chosen = request.POST.get("theme", "")
    if chosen in ("", "light", "dark"):
        Person.objects.filter(pk=request.user.pk).update(theme=chosen)
    return HttpResponseRedirect(page_before(request), status=303)


def page_before(request: HttpRequest) -> str:
    """Return the page that contained the form or led here (`next`), if it is one of ours; else the first page."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith("/") else "/"
