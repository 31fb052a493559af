"""The page of a link that works once: one button, which signs in."""

from allauth.account.utils import perform_login
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from rokuon.accounts import links
from rokuon.accounts.doors import FORM, everyone
from rokuon.accounts.entry import after_sign_in


@everyone(FORM)
@never_cache
def link(request: HttpRequest, token: str) -> HttpResponseBase:
    """GET shows whom the link is for; POST uses it. What a link is not good for any more is said alike, whatever the reason."""
    now = timezone.now()
    found = links.use(token, now) if request.method == "POST" else links.find(token, now)
    if found is None:
        return render(request, "account/link_over.html", status=410)
    if request.method != "POST":
        return render(request, "account/link.html", {"link": found, "person": found.person})
    logout(request)
    answer: HttpResponse = perform_login(request, found.person, redirect_url=after_sign_in(found.person))
    return answer
