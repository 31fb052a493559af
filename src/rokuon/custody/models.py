"""Tables of the custody files. They remember what was sealed in each bucket; the evidence itself is in the bucket."""

from django.db import models
from django.db.models import Q
from django.utils import timezone


class SigningKey(models.Model):
    """A company's Ed25519 key. `public` is 32 bytes in hexadecimal; `private` is encrypted with the master key (`wiring.custody_keys`),
    and "" for a key of seals that an older dump did not know."""

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+")
    public = models.CharField(max_length=64, unique=True)
    private = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company"], condition=Q(retired_at=None), name="one_signing_key")]

    def __str__(self) -> str:
        return f"signing key {self.pk}"


class SealChain(models.Model):
    """The seals of one bucket, numbered from 1. A bucket has one open chain; `continues` names the last seal of the chain before it.

    `installation` is written into each seal. `key` signs the first seal, where the chain before it has announced that key; else the
    company's present key does. The first revision of a day is `revisions` + 1, more than any in the chains before. `names_until` is that
    of the seal that it continues, null if it continues none.
    """

    bucket = models.ForeignKey("org.Bucket", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=16, unique=True)
    installation = models.TextField()
    continues = models.JSONField(null=True)
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, null=True, related_name="+")
    revisions = models.PositiveIntegerField(default=0)
    names_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket"], condition=Q(closed_at=None), name="one_open_chain")]

    def __str__(self) -> str:
        return f"chain {self.pk}"


class Schedule(models.Model):
    """When a bucket's next issue is due: `due_at`, or the next try after a failure: then `reason` says why, and `tries` counts. A bucket
    may fail before its first chain."""

    bucket = models.OneToOneField("org.Bucket", on_delete=models.CASCADE, related_name="+")
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    reason = models.TextField(blank=True)
    detail = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"schedule {self.pk}"


class Issue(models.Model):
    """A seal that is in the bucket. `sha256` is of the whole file of the seal, `totals` what it sums up. `announces` is the key that signs
    the next one, if it is another. What was stored until `names_until` is named by this seal or by one before it; `at`, unless days
    waited that it did not read."""

    chain = models.ForeignKey(SealChain, on_delete=models.CASCADE, related_name="issues")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="+")
    announces = models.ForeignKey(SigningKey, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    names_until = models.DateTimeField()
    next_by = models.DateTimeField()
    files = models.PositiveIntegerField()
    totals = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "number"], name="issue_once")]

    def __str__(self) -> str:
        return f"issue {self.pk}"


class Intent(models.Model):
    """A seal that a worker was about to write, with all that is entered once it is in the bucket: the worker that finds it there enters it.
    A seal of the company that has no intent was written by another ledger.

    `issue` holds the fields of the `Issue`, `days` those of each `SealedDay` and the version of its `Waiting` row (`custody.enter`).
    """

    chain = models.ForeignKey(SealChain, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    issue = models.JSONField()
    days = models.JSONField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "number", "sha256"], name="intent_once")]

    def __str__(self) -> str:
        return f"intent {self.pk}"


class SealedDay(models.Model):
    """The latest sealed revision of a target's local day in a chain. `sha256` is of its lines, without what changes although nothing
    happened (`custody.days`). `final_at` is when it was first called final."""

    chain = models.ForeignKey(SealChain, on_delete=models.CASCADE, related_name="+")
    target = models.ForeignKey("org.Target", on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    revision = models.PositiveIntegerField()
    issue = models.PositiveIntegerField()
    verdict = models.CharField(max_length=10)
    final_at = models.DateTimeField(null=True)
    lines = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    verified = models.PositiveIntegerField()
    explained = models.PositiveIntegerField()
    open = models.PositiveIntegerField()
    erased = models.PositiveIntegerField()
    bytes = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "target", "day"], name="sealed_day_once")]

    def __str__(self) -> str:
        return f"sealed day {self.pk}"


class Dirty(models.Model):
    """A target's day that changed since it was last sealed. Database triggers append a row for each statement that changes what a manifest
    says (migrations 0002 and 0003), so no writer can forget it and none waits. `utc` days are those of calls and coverage, else days of
    copies."""

    target_id = models.BigIntegerField()
    day = models.DateField()
    utc = models.BooleanField()

    def __str__(self) -> str:
        return f"dirty {self.pk}"


class Waiting(models.Model):
    """A target's local day that the next issue of a bucket reads. Every change gives it another `version`, from the sequence
    `custody_change`: an issue removes the row only if nothing changed since it read the day, also if another issue removed it meanwhile."""

    bucket = models.ForeignKey("org.Bucket", on_delete=models.CASCADE, related_name="+")
    target = models.ForeignKey("org.Target", on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    version = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "target", "day"], name="waiting_once")]

    def __str__(self) -> str:
        return f"waiting {self.pk}"


class DaySettings(models.Model):
    """The settings with which the days of a target were last read for a bucket: `zone` is that of the target, and `fingerprint` that of the
    company's options (`completeness.options`)."""

    bucket = models.ForeignKey("org.Bucket", on_delete=models.CASCADE, related_name="+")
    target = models.ForeignKey("org.Target", on_delete=models.CASCADE, related_name="+")
    zone = models.TextField(blank=True)
    fingerprint = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bucket", "target"], name="day_settings_once")]

    def __str__(self) -> str:
        return f"day settings {self.pk}"
