"""What happens when somebody has signed in, by whatever way."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from . import fresh, links
from .models import Link, Person


def after_sign_in(person: Person) -> str:
    """The page that comes first: for somebody without a password, the one to choose it on."""
    return "/" if person.has_password else reverse("account_set_password")


@receiver(user_logged_in, dispatch_uid="rokuon.accounts.entry")
def proved(sender: Any, request: HttpRequest, user: Person, **kwargs: Any) -> None:
    """Signing in is proof of a moment ago; an invitation that was not needed for it ends."""
    fresh.renew(request)
    links.void(user, timezone.now(), Link.Kind.INVITATION)
