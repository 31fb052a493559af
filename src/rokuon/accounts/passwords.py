"""Password hashing and validation (ASVS 6.2): 12 to 128 characters, any character, none of the common passwords."""

from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

LONGEST = 128


class Argon2(Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes, one lane (OWASP's first choice)."""

    memory_cost = 19 * 1024
    time_cost = 2
    parallelism = 1


class NotTooLong:
    """Refuse longer passwords: they cost time and add no security."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > self._longest:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return ngettext(
            "A password may have %(longest)d character at most.", "A password may have %(longest)d characters at most.", self._longest
        ) % {"longest": self._longest}


class NotCommon(CommonPasswordValidator):
    """Refuse Django's list of 20,000, also with digits and signs before or after, and this product's own words."""

    OWN = frozenset({"rokuon", "dialpad", "callrecording", "callrecordings", "rokuonrokuon", "dialpaddialpad"})

    def validate(self, password: str, user: Any = None) -> None:
        plain = password.lower().strip()
        letters = "".join(sign for sign in plain if sign.isalpha())
        if {plain, letters} & (self.passwords | self.OWN) or len(set(plain)) < 4:
            raise ValidationError(_("This password is one of those that are tried first. Choose another."), code="password_too_common")
