"""The page to set or change the password."""

from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from rokuon.accounts import audit, links, recent_auth, sessions
from rokuon.accounts.forms import PasswordForm
from rokuon.accounts.guards import FORM, SignedInRequest, signed_in
from rokuon.accounts.models import Person


@signed_in(FORM, fresh=True)
def password(request: SignedInRequest) -> HttpResponse:
    """Set the password. Every other browser in which the person is signed in has to sign in again."""
    person = request.user
    form = PasswordForm(person, request.POST or None)
    if request.method == "POST" and form.is_valid():
        first = not person.has_password
        with transaction.atomic():
            before = person.password
            person.set_password(form.cleaned_data["password"])
            if not Person.objects.filter(pk=person.pk, password=before).update(password=person.password):
                # Reset, or changed elsewhere, since this page was requested: the requester may not be the owner.
                logout(request)
                return redirect("account_login")
            update_session_auth_hash(request, person)
            recent_auth.renew(request)
            sessions.end_all(person, but=request.session.session_key)
            links.void(person, timezone.now())
            audit.record(
                audit.acting(person, request),
                "account.password",
                now=timezone.now(),
                company_id=None,
                subject=("person", person.pk, person.email),
            )
        messages.success(
            request, _("Your password is set.") if first else _("Your password is changed. Other browsers have to sign in again.")
        )
        return HttpResponseRedirect(recent_auth.ours(request.POST.get("next", "")), status=303)
    context = {"form": form, "first": not person.has_password, "next": request.GET.get("next", "")}
    return render(request, "account/password.html", context, status=422 if form.errors else 200)
