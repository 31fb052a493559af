"""People and what they may reach, as tables. What a role allows stands in `may`; nothing else decides it."""

import hashlib

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone


class People(BaseUserManager["Person"]):
    def get_by_natural_key(self, username: str | None) -> "Person":
        return self.get(email__iexact=username or "")


class Person(AbstractBaseUser):
    """Somebody who signs in, by e-mail address. Never deleted, only disabled (`is_active`): the audit log names them.

    `is_operator` runs the installation: may add a company, and sees none by that alone. `language` is "" until chosen.
    """

    email = models.EmailField(max_length=254, unique=True)
    name = models.TextField(blank=True)
    language = models.CharField(max_length=2, blank=True)
    theme = models.CharField(max_length=5, blank=True)
    is_active = models.BooleanField(default=True)
    is_operator = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    objects = People()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="person_once"),
            models.CheckConstraint(condition=Q(language__in=["", "en", "ja"]), name="person_language"),
            models.CheckConstraint(condition=Q(theme__in=["", "light", "dark"]), name="person_theme"),
        ]

    def __str__(self) -> str:
        return f"person {self.pk}"

    @property
    def has_password(self) -> bool:
        return bool(self.password) and self.has_usable_password()

    @property
    def called(self) -> str:
        """The name, or the address where none is known."""
        return self.name or self.email


class Membership(models.Model):
    """A role of a person in a company, or in one of its offices (M13)."""

    class Role(models.TextChoices):
        COMPANY_ADMIN = "company_admin"
        OFFICE_ADMIN = "office_admin"
        VIEWER = "viewer"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="memberships")
    office = models.ForeignKey("org.Office", null=True, blank=True, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=13)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "company"], condition=Q(office=None), name="one_role_in_company"),
            models.UniqueConstraint(fields=["person", "office"], condition=Q(office__isnull=False), name="one_role_in_office"),
            models.CheckConstraint(condition=~Q(role="company_admin") | Q(office=None), name="company_admin_of_company"),
            models.CheckConstraint(condition=~Q(role="office_admin") | Q(office__isnull=False), name="office_admin_of_office"),
        ]

    def __str__(self) -> str:
        return f"membership {self.pk}"


def hashed(token: str) -> str:
    """What is kept of a random token (a session's, a link's): who reads the database cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()


class Session(AbstractBaseSession):
    """A signed-in browser. `session_key` is the hash of what the cookie holds (ASVS 7.2); times are UTC."""

    session_key = models.CharField(max_length=64, primary_key=True)
    person = models.ForeignKey(Person, null=True, on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    address = models.TextField(blank=True)
    browser = models.TextField(blank=True)

    def __str__(self) -> str:
        return "session"


class Link(models.Model):
    """A link that works once, until `expires_at`: an invitation, or an operator's sign-in. `token` is the hash of what it holds."""

    class Kind(models.TextChoices):
        SIGN_IN = "sign_in"
        INVITATION = "invitation"

    token = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="links")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link {self.pk}"


class Throttle(models.Model):
    """How often somebody tried to get in by what `key` names, and when the next try is free. Changed only by `throttle`."""

    key = models.CharField(max_length=120, primary_key=True)
    tries = models.PositiveIntegerField()
    tried_at = models.DateTimeField(db_index=True)
    free_at = models.DateTimeField()

    def __str__(self) -> str:
        return "throttle"


class SpentCode(models.Model):
    """A one-time code of an authenticator app that was used: it is not taken again while it would still be right."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=64)
    spent_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "code"], name="code_spent_once")]

    def __str__(self) -> str:
        return f"spent code {self.pk}"


class AuditEntry(models.Model):
    """One thing that somebody did (監査ログ). Written by `audit.record` alone; the database refuses to change or delete one.

    `company_id` is null for what concerns the installation. `office_id` is the office that it concerns, null for the whole company.
    `action` is a stable word such as `bucket.register`; `subject` names the thing as it was called then. `before` and `after` hold
    what changed, never a secret.
    """

    at = models.DateTimeField(default=timezone.now)
    company = models.ForeignKey("org.Company", null=True, on_delete=models.PROTECT, related_name="+")
    office = models.ForeignKey("org.Office", null=True, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    actor = models.TextField()
    action = models.TextField()
    subject_kind = models.TextField(blank=True)
    subject_id = models.TextField(blank=True)
    subject = models.TextField(blank=True)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    address = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["company", "-at", "-id"], name="audit_by_time"),
            models.Index(fields=["company", "action", "-at"], name="audit_by_action"),
        ]

    def __str__(self) -> str:
        return f"audit entry {self.pk}"
