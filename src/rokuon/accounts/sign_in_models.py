"""The table of sign-ins, right and wrong (ASVS 16.3.1)."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone


class SignInWay(models.TextChoices):
    """What was shown first. CONFIRM: the password once more, of somebody who is signed in."""

    PASSWORD = "password"  # noqa: S105 - the name of a way
    LINK = "sign_in"
    INVITATION = "invitation"
    PROVIDER = "provider"
    CONFIRM = "confirm"
    OTHER = "other"


class Factor(models.TextChoices):
    """The second factor that was shown, too."""

    NONE = ""
    APP = "totp"
    RECOVERY_CODE = "recovery_codes"


class Result(models.TextChoices):
    OK = "ok"
    WRONG = "wrong"
    WRONG_CODE = "wrong_code"
    TOO_EARLY = "too_early"
    DISABLED = "disabled"
    LINK_OVER = "link_over"
    UNVERIFIED = "unverified"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class SignIn(models.Model):
    """Somebody signed in, or tried to. Written by `sign_ins` alone.

    `person` is who it was, or whose account was tried; null where no account is known by what was given. `email` is the address that was
    given, "" where none was. `companies` are the ids of those in which the person had a role at that time: its admins see the line, and
    who gives a role later does not. `address` is who asked; for what was refused, the network of an IPv6 address. What was refused and is
    the same within an hour is one line, `times` of them from `first_at` to `at`; `slot` names that line, and is null for what succeeded.
    """

    at = models.DateTimeField(default=timezone.now)
    first_at = models.DateTimeField(default=timezone.now)
    times = models.PositiveIntegerField(default=1)
    person = models.ForeignKey("accounts.Person", null=True, on_delete=models.PROTECT, related_name="+")
    email = models.TextField(blank=True)
    companies = ArrayField(models.BigIntegerField(), default=list)
    way = models.CharField(max_length=10, choices=SignInWay.choices)
    factor = models.CharField(max_length=14, choices=Factor.choices, blank=True)
    result = models.CharField(max_length=10, choices=Result.choices)
    address = models.TextField(blank=True)
    browser = models.TextField(blank=True)
    slot = models.CharField(max_length=64, null=True, unique=True)

    class Meta:
        indexes = [
            models.Index(fields=["-at", "-id"], name="sign_in_by_time"),
            models.Index(fields=["person", "-at", "-id"], name="sign_in_of_person"),
            GinIndex(fields=["companies"], name="sign_in_of_company"),
        ]

    def __str__(self) -> str:
        return f"sign-in {self.pk}"
