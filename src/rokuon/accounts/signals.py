"""Handling of a completed sign-in, for all ways of signing in."""

from typing import Any

from allauth.account.authentication import get_authentication_records
from django.contrib import messages
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from . import links, recent_auth, sign_ins
from .models import Link, Person


def after_sign_in(person: Person) -> str:
    """Return the first page after sign-in: for a person without a password, the page to choose one."""
    return "/" if person.has_password else reverse("account_set_password")


def say_reset(request: HttpRequest) -> None:
    """Tell the person about the reset: what was set before the address was proven may have been someone else's (`proof`)."""
    messages.warning(
        request,
        _(
            "Your address is proven from now on. What was set on this account before no longer works: the password, the second factor and "
            "sign-ins in other browsers. Set them up again."
        ),
    )


@receiver(user_logged_in, dispatch_uid="rokuon.accounts.signals")
def proved(sender: Any, request: HttpRequest, user: Person, **kwargs: Any) -> None:
    """Count the sign-in as recent authentication, log it, and void invitations that were not needed for it."""
    recent_auth.renew(request)
    sign_ins.succeeded(request, user, _factor(request, user))
    links.void(user, timezone.now(), Link.Kind.INVITATION)


def _factor(request: HttpRequest, person: Person) -> sign_ins.Factor:
    kinds = [record.get("type") for record in get_authentication_records(request, person) if record.get("method") == "mfa"]
    return sign_ins.Factor(kinds[-1]) if kinds and kinds[-1] in sign_ins.Factor.values else sign_ins.Factor.NONE
