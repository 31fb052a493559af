"""Second factor: a code of an authenticator app besides the password (TOTP, RFC 6238), and recovery codes if the app is lost.

The master key encrypts the secrets. A code is accepted once, and guesses at it are slowed like guesses at a password.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache
from io import BytesIO

from allauth.account.authentication import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy

from rokuon.base.secrets import Vault
from rokuon.config import Config

from . import sign_ins, throttle
from .adapter import too_early
from .models import Person, SpentCode, hashed
from .sign_ins import Result, SignInWay

TOTP = Authenticator.Type.TOTP
RIGHT_FOR = timedelta(seconds=120)
"""Longer than any code is valid: its own half minute, and one on each side."""


def has(person: Person) -> bool:
    return bool(Authenticator.objects.filter(user_id=person.pk, type=TOTP).exists())


def satisfied(request: HttpRequest) -> bool:
    """Whether the session has more than a password: an app's code, or an identity provider, which is then responsible for it."""
    person = request.user
    if not isinstance(person, Person):
        return False
    by_provider = any(record.get("method") == "socialaccount" for record in get_authentication_records(request, person))
    return by_provider or has(person)


def ask(request: HttpRequest) -> HttpResponse:
    """Redirect to the page that explains the second factor and sets it up."""
    return HttpResponseRedirect(f"{reverse('mfa_index')}?required=1", status=303)


def who_has(person_ids: Iterable[int]) -> set[int]:
    """Return the people who have a second factor."""
    return set(Authenticator.objects.filter(user_id__in=list(person_ids), type=TOTP).values_list("user_id", flat=True))


def take_away(person: Person) -> bool:
    """Delete the app and the recovery codes; return whether there were any."""
    return bool(Authenticator.objects.filter(user_id=person.pk).delete()[0])


def recovery_codes(person: Person) -> list[str]:
    """Return the unused recovery codes."""
    found = Authenticator.objects.filter(user_id=person.pk, type=Authenticator.Type.RECOVERY_CODES).first()
    return list(found.wrap().get_unused_codes()) if found is not None else []


def spend(person_id: int, code: str, now: datetime) -> bool:
    """Whether this is the first use of the code while it is valid; mark it as used."""
    SpentCode.objects.filter(spent_at__lt=now - RIGHT_FOR).delete()
    try:
        with transaction.atomic():
            SpentCode.objects.create(person_id=person_id, code=hashed(f"{person_id} {_plain(code)}"), spent_at=now)
    except IntegrityError:
        return False
    return True


def _plain(code: str) -> str:
    return "".join(sign for sign in code if sign.isalnum())


@cache
def _vault() -> Vault:
    return Vault.load(Config.load().master_key_file)


class Codes(DefaultMFAAdapter):
    """allauth's adapter for second factors."""

    error_messages = DefaultMFAAdapter.error_messages | {"incorrect_code": gettext_lazy("The code is not right.")}

    def encrypt(self, text: str) -> str:
        return _vault().seal(text, owner="second factor", field="secret")

    def decrypt(self, encrypted_text: str) -> str:
        return _vault().open(encrypted_text, owner="second factor", field="secret").reveal()

    def get_totp_issuer(self) -> str:
        return "Rokuon"

    def build_totp_svg(self, url: str) -> SafeString:
        from qrcode import QRCode
        from qrcode.image.svg import SvgPathImage

        drawn = QRCode(border=2, image_factory=SvgPathImage)
        drawn.add_data(url)
        out = BytesIO()
        drawn.make_image().save(out)
        svg = out.getvalue().decode()
        return mark_safe(svg[svg.index("<svg") :])  # noqa: S308 - squares drawn by the library from our own text


class CodeForm(AuthenticateForm):
    """A code at sign-in: from the app, or a recovery code."""

    def clean_code(self) -> str:
        try:
            return _checked(self.user, super().clean_code)
        except ValidationError as error:
            early = error.code == "too_many_tries"
            way = SignInWay(context.request.session.get(sign_ins.WAY, SignInWay.OTHER))
            sign_ins.refused(context.request, way, Result.TOO_EARLY if early else Result.WRONG_CODE, person=self.user)
            raise


class SetUpForm(ActivateTOTPForm):
    """The first code of a new app; it counts as used."""

    def clean_code(self) -> str:
        return _checked(self.user, super().clean_code)


def _checked(person: AbstractBaseUser, check: Callable[[], str]) -> str:
    key, now = f"code:{person.pk}", timezone.now()
    try:
        throttle.take({key: throttle.ACCOUNT}, now)
    except throttle.Throttled as refused:
        raise too_early(refused) from None
    code = check()
    if not spend(person.pk, code, now):
        raise ValidationError(gettext_lazy("This code was used already. Wait for the next one."), code="spent")
    throttle.forget([key])
    return code
