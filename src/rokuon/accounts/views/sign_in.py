"""Sign-in with a password, and sign-out."""

from typing import Any

from allauth.account.views import LoginView
from django.contrib import messages
from django.contrib.auth import logout
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from rokuon.accounts import mail, oidc, recent_auth, throttle
from rokuon.accounts.guards import CHANGE, FORM, READ, everyone


class SignInView(LoginView):
    """allauth's view, which continues with the second factor if the person has one."""

    template_name = "account/sign_in.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        after = self.request.POST.get("next") or self.request.GET.get("next", "")
        forgotten = urlencode({"for": "password", "next": recent_auth.ours(after)})
        return {"forgotten": forgotten, **super().get_context_data(**kwargs), "oidc": oidc.provider_name(), "sends_mail": mail.configured()}

    def form_valid(self, form: BaseForm) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        throttle.remember(self.request, answer, form.cleaned_data["login"])
        return answer

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        answer: HttpResponse = super().form_invalid(form)
        early = any(error.code == "too_many_tries" for errors in form.errors.as_data().values() for error in errors)
        answer.status_code = 429 if early else 422
        return answer


_sign_in = SignInView.as_view()


@everyone(FORM)
def sign_in(request: HttpRequest) -> HttpResponseBase:
    answer: HttpResponseBase = _sign_in(request)
    return answer


@everyone(CHANGE)
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session; other browsers stay signed in."""
    if request.user.is_authenticated:
        logout(request)
        messages.success(request, _("You are signed out."))
    return redirect("account_login")


@everyone(READ)
def inactive(request: HttpRequest) -> HttpResponse:
    """Show the page for a disabled person whose password is right."""
    return render(request, "account/inactive.html", status=403)


@everyone(READ)
def closed(request: HttpRequest) -> HttpResponse:
    """Refuse sign-up: people are invited."""
    return render(request, "account/closed.html", status=403)
