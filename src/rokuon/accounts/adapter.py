"""allauth's account adapter: no sign-up, our rate limits, our error messages."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy, ngettext

from . import recent_auth, sign_ins, throttle
from .addresses import as_kept
from .audit import client_address
from .models import Person
from .sign_ins import Result, SignInWay


def too_early(refused: throttle.Throttled) -> ValidationError:
    """Return the error for a person who tries too often."""
    seconds = int(refused.wait.total_seconds()) + 1
    return ValidationError(
        ngettext(
            "Too many tries. Wait %(seconds)d second, then try again.", "Too many tries. Wait %(seconds)d seconds, then try again.", seconds
        ),
        code="too_many_tries",
        params={"seconds": seconds},
    )


class Accounts(DefaultAccountAdapter):
    """Account adapter: people are invited and cannot sign up. `throttle` counts guesses; allauth's own limits are off."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": gettext_lazy("The e-mail address or the password is not right."),
        "incorrect_password": gettext_lazy("The password is not right."),
        "incorrect_code": gettext_lazy("The code is not right."),
    }

    _way = SignInWay.PASSWORD

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_ajax(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        return not recent_auth.is_fresh(context.request)

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: our pages show their own messages."""

    def pre_login(self, request: HttpRequest, user: Person, **kwargs: Any) -> HttpResponse | None:
        answer: HttpResponse | None = super().pre_login(request, user, **kwargs)
        if not user.is_active:
            sign_ins.refused(request, SignInWay(request.session.pop(sign_ins.WAY, SignInWay.OTHER)), Result.DISABLED, person=user)
        return answer

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        email = str(credentials.get("email", ""))
        self._limits = throttle.limits(email, client_address(request), request)
        try:
            throttle.take(self._limits, timezone.now())
        except throttle.Throttled as refused:
            sign_ins.refused(request, self._way, Result.TOO_EARLY, person=sign_ins.by_address(email))
            raise too_early(refused) from None

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Person | None:
        person: Person | None = super().authenticate(request, **credentials)
        email = str(credentials.get("email", ""))
        # allauth compares addresses with `str.lower`, which turns a Kelvin sign into a k.
        if person is not None and person.email != as_kept(email):
            person = None
        if person is None:
            sign_ins.refused(request, self._way, Result.WRONG, person=sign_ins.by_address(email), email=email)
        else:
            if self._way == SignInWay.PASSWORD:
                sign_ins.begin(request, self._way)
            mine = [key for key in self._limits if not key.startswith("address:")]
            throttle.forget(mine)
            throttle.give_back([key for key in self._limits if key not in mine])
        return person

    def reauthenticate(self, user: Person, password: str) -> bool:
        self._way = SignInWay.CONFIRM
        found = self.authenticate(self.request, email=user.email, password=password)
        return found is not None and found.pk == user.pk and found.is_active
