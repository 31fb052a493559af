"""The page of one's own sessions, which can end them."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from rokuon.accounts import sessions
from rokuon.accounts.guards import CHANGE, SignedInRequest, signed_in
from rokuon.accounts.models import Session


@signed_in()
def overview(request: SignedInRequest) -> HttpResponse:
    found = sessions.of(request.user)
    rows = [{"session": one, "here": sessions.is_this(one, request), "name": sessions.public_name(one)} for one in found]
    return render(request, "account/sessions.html", {"rows": rows})


@signed_in(CHANGE)
def end(request: SignedInRequest) -> HttpResponse:
    """End one session, by its id on the page, or all others."""
    name = request.POST.get("session", "")
    if name == "others":
        sessions.end_all(request.user, but=request.session.session_key)
        messages.success(request, _("You are signed out everywhere else."))
    else:
        keys = [one.session_key for one in sessions.of(request.user) if sessions.public_name(one) == name]
        if Session.objects.filter(person=request.user, session_key__in=keys).delete()[0]:
            messages.success(request, _("That browser is signed out."))
    return redirect("account_sessions")
