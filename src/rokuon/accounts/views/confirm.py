"""The page "Is it still you?": asks before important changes if the sign-in was more than ten minutes ago."""

from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from rokuon.accounts import mail, oidc, recent_auth
from rokuon.accounts.adapter import Accounts
from rokuon.accounts.forms import ConfirmForm
from rokuon.accounts.guards import FORM, SignedInRequest, signed_in


@signed_in(FORM)
def confirm(request: SignedInRequest) -> HttpResponse:
    """Confirm by password, counted like a sign-in. A person without a password confirms by a new link, or signs in again; both lead on to
    the page that asked."""
    after = recent_auth.ours(request.POST.get("next") or request.GET.get("next", ""))
    if not request.user.has_password:
        if request.method == "POST":
            logout(request)
            return HttpResponseRedirect(f"{reverse('account_login')}?{urlencode({'next': after})}", status=303)
        recent_auth.await_link(request, after)
        context = {"next": after, "sends_mail": mail.configured(), "oidc": oidc.provider_name()}
        return render(request, "account/confirm.html", context)
    form = ConfirmForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                if Accounts(request).reauthenticate(request.user, form.cleaned_data["password"]):
                    recent_auth.renew(request)
                    return HttpResponseRedirect(after, status=303)
                form.add_error("password", _("The password is not right."))
            except ValidationError as too_early:
                form.add_error("password", too_early)
                status = 429
    return render(request, "account/confirm.html", {"form": form, "next": after}, status=status)
