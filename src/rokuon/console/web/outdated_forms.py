"""Bring a person back to a form whose token is outdated, with what was typed. Nothing of the form is executed.

A token becomes outdated when the person signs in again, in this browser, after the form was opened.
"""

import copy
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils.translation import gettext as _

from rokuon.accounts import draft_pages, permissions, sessions
from rokuon.accounts.guards import Guard
from rokuon.accounts.permissions import Action
from rokuon.base import form_fill
from rokuon.org.models import Company

REFUSED = 403
SECRETS = {"password", "key", "code"}
SHOWN_AGAIN = ("login", "for", "next")
"""Fields of the pages before the sign-in that are filled in again; they are stored nowhere."""


def form_again(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to a form whose token is not the browser's: its page, or a redirect to it, filled in. None if the form may not come
    from one of our own pages, or nobody is known for whom it could be kept."""
    match = request.resolver_match
    guard: Guard | None = getattr(match.func, "guard", None) if match is not None else None
    if guard is None or settings.CSRF_COOKIE_NAME not in request.COOKIES or not _says_it_is_ours(request):
        return None
    if guard.open and "GET" in guard.methods:
        return _shown_again(request)
    known = request.user.is_authenticated
    if not known and sessions.ended_person(request) is None:
        return None
    company = _company_id(request)
    if known and company is None and "company" in match.kwargs:  # type: ignore[union-attr]
        return None
    request.company_id, request.keeps = company, guard.keeps  # type: ignore[attr-defined]
    if known:
        messages.warning(request, _said(request))
    return draft_pages.back(request)


def _says_it_is_ours(request: HttpRequest) -> bool:
    """Whether the browser names one of the console's addresses as the form's. Unlike Django's check, which accepts silence over http: a
    page elsewhere must not be able to fill in a form for someone."""
    public = settings.ROKUON_PUBLIC_URL
    page = urlsplit(request.META.get("HTTP_REFERER", ""))
    origin = request.META.get("HTTP_ORIGIN", f"{page.scheme}://{page.netloc}")
    return origin.lower() in {public.origin_of(host) for host in public.hosts}


def _company_id(request: HttpRequest) -> int | None:
    """Return the company that the address names, if the person may see it, or if who was signed in is still to sign in again."""
    named = request.resolver_match.kwargs.get("company") if request.resolver_match is not None else None
    found = Company.objects.filter(public_id=named).first() if named else None
    if found is None or not request.user.is_authenticated:
        return found.pk if found is not None else None
    return found.pk if Action.VIEW in permissions.reaches(request.user.pk, found.pk) else None


def _said(request: HttpRequest) -> str:
    if SECRETS & ({*request.POST} | {*request.FILES}):
        return _(
            "This form was open for too long, or you have signed in or out since, so nothing was done. Check it, enter passwords, keys and "
            "codes again, and send it once more."
        )
    return _("This form was open for too long, or you have signed in or out since, so nothing was done. Check it and send it once more.")


def _shown_again(request: HttpRequest) -> HttpResponse:
    """Answer with the page of the form itself, as its GET does; a redirect of a person who has signed in meanwhile stays one."""
    typed = {name: request.POST.getlist(name) for name in SHOWN_AGAIN if name in request.POST}
    opened = copy.copy(request)
    opened.method, opened.POST, asked = "GET", QueryDict(), QueryDict(mutable=True)
    for name, values in {**dict(request.GET.lists()), **typed}.items():
        if name != "login":
            asked.setlist(name, values)
    opened.GET = asked  # type: ignore[assignment]
    match = request.resolver_match
    if not request.user.is_authenticated:
        messages.warning(opened, _said(request))
    answer: HttpResponse = match.func(opened, *match.args, **match.kwargs)  # type: ignore[union-attr]
    if hasattr(answer, "render"):
        answer.render()
    if answer.status_code == 200:
        answer.content = form_fill.fill(answer.content.decode(), request.path, typed, {}).encode()
        answer.status_code = REFUSED
    return answer
