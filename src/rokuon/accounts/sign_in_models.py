"""The table of successful and refused sign-ins (ASVS 16.3.1)."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone


class SignInWay(models.TextChoices):
    """The first factor. CONFIRM: a signed-in person enters the password again."""

    PASSWORD = "password"  # noqa: S105 - the name of a way
    LINK = "sign_in"
    MAIL_LINK = "mail_link"
    INVITATION = "invitation"
    PROVIDER = "provider"
    CONFIRM = "confirm"
    OTHER = "other"


class Factor(models.TextChoices):
    """The second factor."""

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
    """A successful or refused sign-in. Written only by `sign_ins`.

    `person` is the person who signed in or whose account was tried; null if no account matches. `email` is the given address, "" if there
    was none. `companies` are the ids of the companies in which the person had a role at that time: their admins see the entry, and admins
    of a company that gives a role later do not. `address` is the client's address; for a refused sign-in, the network of an IPv6 address.
    Equal refused sign-ins within an hour are one entry, `times` of them from `first_at` to `at`; `slot` identifies that entry, and is null
    for a successful sign-in.
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
