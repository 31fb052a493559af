"""Tables of people, roles, sessions, links and the audit log. Only `permissions` decides what a role allows."""

import hashlib

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .addresses import NotAnAddress, sign_in_address
from .draft_models import Draft as Draft
from .mail_link_models import MailLink as MailLink
from .sign_in_models import SignIn as SignIn


class People(BaseUserManager["Person"]):
    def at(self, text: str) -> "Person | None":
        """Return the person whose account has this address, or None."""
        try:
            return self.filter(email=sign_in_address(text)).first()
        except NotAnAddress:
            return None


class Person(AbstractBaseUser):
    """A person who signs in with an e-mail address in its normal form (`runtime.mail_addresses`). Never deleted: the audit log names them.

    Two facts prevent signing in (`is_active` is false while either holds): the operator disabled the account (`disabled_at`), or the person
    lost the last role (`removed_at`, until they get one again). A company cannot undo the first.

    `proven_at` and `proven_by` say when and how the person first proved that they own the address (`proof`). `reset_at` is when the account
    was last reset because nobody had proven it. An `is_operator` person runs the installation: they may add a company, and see none by that
    alone. `language` and `time_zone` are "" until chosen; `shortcuts` is whether single keys do something in the console.
    """

    class Proof(models.TextChoices):
        MAIL = "mail"
        PROVIDER = "provider"
        OPERATOR = "operator"

    email = models.EmailField(max_length=254, unique=True)
    name = models.TextField(blank=True)
    language = models.CharField(max_length=2, blank=True)
    theme = models.CharField(max_length=5, blank=True)
    shortcuts = models.BooleanField(default=True, db_default=True)
    time_zone = models.CharField(max_length=64, blank=True, db_default="")
    disabled_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    is_active = models.GeneratedField(
        expression=models.ExpressionWrapper(Q(disabled_at=None, removed_at=None), output_field=models.BooleanField()),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    proven_at = models.DateTimeField(null=True)
    proven_by = models.CharField(max_length=8, blank=True)
    reset_at = models.DateTimeField(null=True)
    is_operator = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    objects = People()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(email__regex=r"^[!-?\[-~]+@[a-z0-9.-]+$"), name="person_address"),
            models.CheckConstraint(condition=Q(language__in=["", "en", "ja"]), name="person_language"),
            models.CheckConstraint(condition=Q(theme__in=["", "light", "dark"]), name="person_theme"),
            models.CheckConstraint(
                condition=Q(proven_at=None, proven_by="") | Q(proven_at__isnull=False, proven_by__in=["mail", "provider", "operator"]),
                name="person_proof",
            ),
        ]

    def __str__(self) -> str:
        return f"person {self.pk}"

    @property
    def has_password(self) -> bool:
        return bool(self.password) and self.has_usable_password()

    @property
    def called(self) -> str:
        """The name, or the address if the name is unknown."""
        return self.name or self.email


class Membership(models.Model):
    """A person's role in a company, or in one of its offices (M13). A person gave it, or the source's directory (`source`): then it ends
    when the directory no longer names the person."""

    class Role(models.TextChoices):
        COMPANY_ADMIN = "company_admin"
        OFFICE_ADMIN = "office_admin"
        VIEWER = "viewer"

    class Source(models.TextChoices):
        PERSON = "person"
        DIRECTORY = "directory"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="memberships")
    office = models.ForeignKey("org.Office", null=True, blank=True, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=13)
    source = models.CharField(max_length=9, choices=Source.choices, default=Source.PERSON, db_default=Source.PERSON)
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
    """Return the hash that is stored for a random token of a session or link: a reader of the database cannot use it."""
    return hashlib.sha256(token.encode()).hexdigest()


class Session(AbstractBaseSession):
    """A signed-in browser. `session_key` is the hash of the cookie's value (ASVS 7.2); times are UTC."""

    session_key = models.CharField(max_length=64, primary_key=True)
    person = models.ForeignKey(Person, null=True, on_delete=models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    address = models.TextField(blank=True)
    browser = models.TextField(blank=True)

    def __str__(self) -> str:
        return "session"


class Link(models.Model):
    """A link that works once, until `expires_at`: an invitation or an operator's sign-in link. `token` is the hash of its secret.

    `handed` is how the person received it: by mail, on the inviter's screen, or from the operator.
    """

    class Kind(models.TextChoices):
        SIGN_IN = "sign_in"
        INVITATION = "invitation"

    class Handed(models.TextChoices):
        MAIL = "mail"
        SCREEN = "screen"
        OPERATOR = "operator"

    token = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    handed = models.CharField(max_length=8, choices=Handed.choices, default=Handed.SCREEN)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="links")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link {self.pk}"


class Throttle(models.Model):
    """The number of tries under `key`, and when the next try is allowed. Changed only by `throttle`."""

    key = models.CharField(max_length=120, primary_key=True)
    tries = models.PositiveIntegerField()
    tried_at = models.DateTimeField(db_index=True)
    free_at = models.DateTimeField()

    def __str__(self) -> str:
        return "throttle"


class SpentCode(models.Model):
    """A used one-time code of an authenticator app: it is refused while it would still be valid."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=64)
    spent_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "code"], name="code_spent_once")]

    def __str__(self) -> str:
        return f"spent code {self.pk}"


class HandedOut(models.Model):
    """The number of bytes of a recording that a person received under one audit entry of `action`, since `began_at`; the last of them ended
    before byte `until`. Changed only by `handed_out`."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+")
    action = models.TextField()
    subject_id = models.TextField()
    began_at = models.DateTimeField(db_index=True)
    bytes = models.BigIntegerField()
    until = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "action", "subject_id"], name="handed_out_once")]

    def __str__(self) -> str:
        return f"handed_out {self.pk}"


class AuditEntry(models.Model):
    """One action in the audit log (監査ログ). Written only by `audit.record`; the database refuses to change or delete an entry.

    `company_id` is null for an entry about the installation. `office_id` is the office that the entry is about, null for the whole company.
    `action` is a stable word such as `bucket.register`; `subject` is the thing's name at that time. `before` and `after` hold what changed,
    never a secret.
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
