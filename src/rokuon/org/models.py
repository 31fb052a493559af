"""Tables of the settings tree and the directory. Rules are in `domain.settings`; the tables hold only constraints that must never break.

Secrets are stored sealed (`base.secrets`); ids of the source are text, exactly as the source wrote them.
"""

import secrets
import uuid
from decimal import Decimal

from django.db import models
from django.db.models import Q
from django.utils import timezone

from rokuon.domain.other_party import PartyDetail
from rokuon.domain.placement import SEGMENT_BYTES
from rokuon.domain.settings import MediaCharge


def new_public_id() -> str:
    """Return an id for a company in the console's URLs: 72 random bits, so that it cannot be guessed."""
    return secrets.token_urlsafe(9)


_CHARGES = [one.value for one in MediaCharge]

ACCESS_WINDOWS = ((45, "45 days"), (365, "1 year"))
"""How long after its call a recording can be fetched under a company's contract, if the contract sets a limit."""


class Company(models.Model):
    """One Dialpad company. `claim` identifies this installation's company in the marker of each bucket that it uses (M5).

    `exports` is whether the key was last seen to list recordings (scope recordings_export); None if there was none to list yet.
    `listing_trust` maps a target kind to whether a listing by target was seen to hold every leg that a company listing holds (Dialpad does
    not say); without that evidence Rokuon lists the whole company.

    The console shows of the key only `key_ending` (its last characters), when and by whom it was entered ("" for the command line), and
    what it could read at the last check (`key_report`, in the form of `wiring.key_check`; `at` is ISO 8601); never the key.

    `access_window_days` after a call its recording can no longer be fetched, if the company's contract says so; null for no limit.

    With `directory_sign_in`, admins in the company's directory may sign in by a mailed link and then have the role that they have there.

    `other_party` is how much is kept of the other party of a call. `number_key` is the sealed key of the hashes of their numbers, "" until
    the first number is kept.

    `revision` grows with every change that a person makes to the settings of this level, here and in offices and targets: a form that was
    filled in against an older revision is refused, so that of two people who edit at once the second is notified.
    """

    public_id = models.CharField(max_length=12, default=new_public_id, unique=True, editable=False)
    name = models.TextField()
    dialpad_id = models.TextField(blank=True)
    base_url = models.TextField()
    api_key = models.TextField(blank=True)
    key_ending = models.CharField(max_length=4, blank=True)
    key_entered_at = models.DateTimeField(null=True, blank=True)
    key_entered_by = models.TextField(blank=True)
    key_report = models.JSONField(default=dict, blank=True)
    exports = models.BooleanField(null=True)
    claim = models.UUIDField(default=uuid.uuid4, unique=True)
    enabled = models.BooleanField(default=False)
    bucket = models.ForeignKey("Bucket", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    restricted = models.BooleanField(default=False)
    second_factor_required = models.BooleanField(default=False)
    directory_sign_in = models.BooleanField(default=True, db_default=True)
    voicemail = models.BooleanField(default=False)
    other_party = models.CharField(
        max_length=6,
        choices=[(one.value, one.value) for one in PartyDetail],
        default=PartyDetail.MASKED.value,
        db_default=PartyDetail.MASKED.value,
    )
    number_key = models.TextField(blank=True, default="", db_default="")
    requests_per_second = models.DecimalField(max_digits=7, decimal_places=2, default=Decimal(15))
    listing_trust = models.JSONField(default=dict, blank=True)
    media_charge = models.CharField(max_length=4, choices=[(one, one.title()) for one in _CHARGES], default=MediaCharge.ONE.value)
    access_window_days = models.PositiveSmallIntegerField(null=True, choices=ACCESS_WINDOWS)
    created_at = models.DateTimeField(default=timezone.now)
    synced_at = models.DateTimeField(null=True, blank=True)
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["base_url", "dialpad_id"], condition=~Q(dialpad_id=""), name="company_once"),
            models.CheckConstraint(condition=Q(requests_per_second__gt=0), name="company_budget_positive"),
            models.CheckConstraint(condition=Q(media_charge__in=_CHARGES), name="company_media_charge"),
            models.CheckConstraint(condition=Q(other_party__in=[one.value for one in PartyDetail]), name="company_other_party"),
            models.CheckConstraint(
                condition=Q(access_window_days__isnull=True) | Q(access_window_days__in=[days for days, _words in ACCESS_WINDOWS]),
                name="company_access_window",
            ),
        ]

    def __str__(self) -> str:
        return f"company {self.pk}"


class IgnoredRange(models.Model):
    """A kind of scope whose listings were seen to ignore a bound of the requested range: `dialpad.call_list` then enforces the bound.

    `bound` is "after" or "before", `kind` a `ScopeKind`.
    """

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="ignored_ranges")
    kind = models.CharField(max_length=16)
    bound = models.CharField(max_length=6)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "kind", "bound"], name="ignored_range_once")]

    def __str__(self) -> str:
        return f"ignored range {self.pk}"


class Budget(models.Model):
    """The next free send slots of a company, on the database's clock. Changed only by `org.budget`.

    Nothing is sent before `blocked_until`, the end of a pause; `asked_until` is the end that Dialpad asked for, which may be later.
    `throttled_at` is the latest 429 outside of a pause. If 429s continued, `lowered_to` is the rate in force at `lowered_at`.
    """

    company = models.OneToOneField(Company, primary_key=True, on_delete=models.CASCADE, related_name="budget")
    next_at = models.DateTimeField(default=timezone.now)
    next_sweep_at = models.DateTimeField(default=timezone.now)
    blocked_until = models.DateTimeField(default=timezone.now)
    asked_until = models.DateTimeField(null=True)
    throttled_at = models.DateTimeField(null=True)
    lowered_to = models.FloatField(null=True)
    lowered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"budget {self.pk}"


class Bucket(models.Model):
    """A bucket or folder that a company registered. It belongs to one company (by its marker and by `url`).

    `identity` is the identity in its marker when it was last recognised: another one at the same address is another bucket. "" for a bucket
    that an earlier version registered and that was not opened since. `marked_at` is when the bucket got that identity, None where its
    marker does not say. `longest_name` is the longest name in bytes, as verification found.
    `name` is what people call it, "" if only by its address.
    """

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="buckets")
    url = models.TextField(unique=True)
    name = models.TextField(blank=True, default="", db_default="")
    credential = models.TextField(blank=True)
    identity = models.CharField(max_length=64, blank=True)
    marked_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    verification = models.JSONField(default=dict, blank=True)
    longest_name = models.PositiveSmallIntegerField(default=SEGMENT_BYTES, db_default=SEGMENT_BYTES)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"bucket {self.pk}"

    @property
    def title(self) -> str:
        """The name with the address, or the address alone."""
        return f"{self.name} · {self.url}" if self.name else self.url


class Office(models.Model):
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="offices")
    dialpad_id = models.TextField()
    name = models.TextField()
    timezone = models.TextField(blank=True)
    unknown_timezone = models.TextField(blank=True)
    state = models.TextField(default="active")
    customized = models.BooleanField(default=False)
    bucket = models.ForeignKey(Bucket, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "dialpad_id"], name="office_once")]

    def __str__(self) -> str:
        return f"office {self.pk}"


class Target(models.Model):
    """A contact center or coaching team. `backed_up` is the backup rule (M6, M7), and `backed_up_at` is when it was switched on: only Back
    up now fetches older calls.

    `folder` is assigned at the first backup and stays through renames; `folder_key` is the form under which two folders would collide (case
    folded, NFC), so that no two targets of a company ever share a folder (M10).
    """

    class Kind(models.TextChoices):
        CONTACT_CENTER = "callcenter"
        COACHING_TEAM = "coachingteam"

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="targets")
    office = models.ForeignKey(Office, on_delete=models.PROTECT, related_name="targets")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    dialpad_id = models.TextField()
    name = models.TextField()
    timezone = models.TextField(blank=True)
    unknown_timezone = models.TextField(blank=True)
    state = models.TextField(default="active")
    customized = models.BooleanField(default=False)
    bucket = models.ForeignKey(Bucket, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    backed_up = models.BooleanField(default=False)
    backed_up_at = models.DateTimeField(null=True)
    folder = models.TextField(blank=True)
    folder_key = models.TextField(blank=True)
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "kind", "dialpad_id"], name="target_once"),
            models.UniqueConstraint(fields=["company", "folder_key"], condition=~Q(folder_key=""), name="folder_of_one_target"),
            models.CheckConstraint(condition=Q(kind__in=["callcenter", "coachingteam"]), name="target_kind"),
            models.CheckConstraint(condition=Q(folder="", folder_key="") | (~Q(folder="") & ~Q(folder_key="")), name="folder_whole"),
        ]

    def __str__(self) -> str:
        return f"target {self.pk}"


class Member(models.Model):
    """A trainee of a coaching team, by the source's user id: the team's calls are the trainees' calls (M7)."""

    team = models.ForeignKey(Target, on_delete=models.CASCADE, related_name="members")
    user_id = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user_id"], name="member_once")]

    def __str__(self) -> str:
        return f"member {self.pk}"


class User(models.Model):
    """A person in the source's directory: the agent of a call, or an office admin who receives notifications (M12)."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="users")
    dialpad_id = models.TextField()
    name = models.TextField(blank=True)
    emails = models.JSONField(default=list)
    state = models.TextField(default="active")
    is_super_admin = models.BooleanField(default=False)
    admin_office_ids = models.JSONField(default=list)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "dialpad_id"], name="user_once")]

    def __str__(self) -> str:
        return f"user {self.pk}"
