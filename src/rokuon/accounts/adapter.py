"""What allauth asks of us about people: who may come in, how fast one may guess, what is said."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext

from . import fresh, throttle
from .audit import client_address
from .models import Person


def too_early(refused: throttle.Refused) -> ValidationError:
    """What is said to somebody who tries too often."""
    seconds = int(refused.wait.total_seconds()) + 1
    return ValidationError(
        ngettext(
            "Too many tries. Wait %(seconds)d second, then try again.", "Too many tries. Wait %(seconds)d seconds, then try again.", seconds
        ),
        code="too_many_tries",
        params={"seconds": seconds},
    )


class Accounts(DefaultAccountAdapter):
    """People are invited; nobody signs up. Guesses are counted by `throttle`, allauth's own limits are off."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": gettext_lazy("The e-mail address or the password is not right."),
        "incorrect_password": gettext_lazy("The password is not right."),
        "incorrect_code": gettext_lazy("The code is not right."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_ajax(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        return not fresh.is_fresh(context.request)

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Our pages say what happened themselves."""

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        email = str(credentials.get("email", ""))
        self._limits = throttle.limits(email, client_address(request), request)
        try:
            throttle.take(self._limits, timezone.now())
        except throttle.Refused as refused:
            raise too_early(refused) from None

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Person | None:
        person: Person | None = super().authenticate(request, **credentials)
        if person is not None:
            mine = [key for key in self._limits if not key.startswith("address:")]
            throttle.forget(mine)
            throttle.give_back([key for key in self._limits if key not in mine])
        return person

    def reauthenticate(self, user: Person, password: str) -> bool:
        found = self.authenticate(self.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk and found.is_active
