"""Pages to set up and remove the second factor, and the page that asks for it at sign-in."""

from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.recovery_codes.internal.flows import generate_recovery_codes
from allauth.mfa.totp.views import ActivateTOTPView
from django.contrib import messages
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from rokuon.accounts import audit, second_factor
from rokuon.accounts.guards import CHANGE, FORM, SignedInRequest, everyone, signed_in


class Code(AuthenticateView):
    """The second step of sign-in. A person who has not done the first step is sent there."""

    template_name = "account/code.html"

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        answer: HttpResponse = super().form_invalid(form)
        answer.status_code = 422
        return answer


class SetUp(ActivateTOTPView):
    template_name = "account/second_factor_set_up.html"

    def form_valid(self, form: BaseForm) -> HttpResponse:
        with transaction.atomic():
            answer: HttpResponse = super().form_valid(form)
            _record(self.request, after=True)
        messages.success(self.request, _("The second factor is set up. Keep the recovery codes in a safe place."))
        return answer

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        answer: HttpResponse = super().form_invalid(form)
        answer.status_code = 422
        return answer


_code, _set_up = Code.as_view(), SetUp.as_view()


@everyone(FORM)
def code(request: HttpRequest) -> HttpResponseBase:
    answer: HttpResponseBase = _code(request)
    return answer


@signed_in(FORM, fresh=True)
def set_up(request: SignedInRequest) -> HttpResponseBase:
    answer: HttpResponseBase = _set_up(request)
    return answer


@signed_in()
def index(request: SignedInRequest) -> HttpResponse:
    return render(request, "account/second_factor.html", {"set_up": second_factor.has(request.user)})


@signed_in(FORM, fresh=True)
def recovery(request: SignedInRequest) -> HttpResponse:
    """Show the unused codes; POST makes new ones and voids the old ones."""
    if not second_factor.has(request.user):
        return redirect("mfa_index")
    if request.method == "POST":
        generate_recovery_codes(request)
        messages.success(request, _("These are new codes. The old ones no longer work."))
        return redirect("mfa_view_recovery_codes")
    return render(request, "account/recovery_codes.html", {"codes": second_factor.recovery_codes(request.user)})


@signed_in(CHANGE, fresh=True)
def remove(request: SignedInRequest) -> HttpResponse:
    with transaction.atomic():
        if second_factor.take_away(request.user):
            _record(request, after=False)
            messages.success(request, _("The second factor is removed. Your password alone signs you in."))
    return redirect("mfa_index")


def _record(request: SignedInRequest, *, after: bool) -> None:
    audit.record(
        audit.acting(request.user, request),
        "account.second_factor",
        now=timezone.now(),
        company_id=None,
        subject=("person", request.user.pk, request.user.email),
        before={"set_up": not after},
        after={"set_up": after},
    )
