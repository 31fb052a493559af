"""Tables of inventories: passes through a bucket, what they found, and when the next one is due."""

from django.db import models
from django.db.models import Q


class InventoryPass(models.Model):
    """One pass through a bucket. While it is `listing`, everything up to `after_key` (in byte order) is compared; while it is `looking`,
    the list is at its end and suspects are looked at again. `stopped` ones came to no conclusion, for `reason`.

    `verified` is how many copies were verified in the bucket when it began. `sights` counts keys by `domain.inventory.Sight`, `classes`
    objects by storage class; `ruled` of the absent ones are older than the bucket's own rule keeps them. With `accepts_missing`, a person
    said before that what is missing is really missing.
    """

    class State(models.TextChoices):
        LISTING = "listing"
        LOOKING = "looking"
        FINISHED = "finished"
        STOPPED = "stopped"

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+")
    bucket = models.ForeignKey("org.Bucket", on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.LISTING)
    by = models.TextField(blank=True)
    accepts_missing = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    after_key = models.TextField(blank=True, db_collation="C")
    pages = models.PositiveIntegerField(default=0)
    verified = models.BigIntegerField()
    objects_seen = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    retained = models.BigIntegerField(default=0)
    altered = models.BigIntegerField(default=0)
    ruled = models.BigIntegerField(default=0)
    sights = models.JSONField(default=dict)
    classes = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    detail = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bucket"], condition=Q(state__in=["listing", "looking"]), name="one_open_inventory"),
            models.CheckConstraint(condition=Q(state__in=["listing", "looking", "finished", "stopped"]), name="inventory_state"),
            models.CheckConstraint(
                condition=Q(state__in=["listing", "looking"]) | Q(ended_at__isnull=False), name="ended_inventory_has_end"
            ),
            models.CheckConstraint(condition=~Q(state="stopped") | ~Q(reason=""), name="stopped_inventory_says_why"),
        ]
        indexes = [models.Index(fields=["bucket", "-started_at"], name="inventory_of_bucket")]

    def __str__(self) -> str:
        return f"inventory pass {self.pk}"


class InventoryFinding(models.Model):
    """What a pass found. A `suspected` one is not looked at again yet, and its kind is only what the list suggests; nothing was done.

    `evidence` has the facts of the ledger and of the store, both generations, and when the store said what. `copy` is null for an object
    without a row and for the bucket as a whole. `seen_by` is the latest pass that saw it. A finding about an object without a row is over
    (`over_at`) when a pass no longer sees it; a person may close any with a note.
    """

    class Kind(models.TextChoices):
        REWRITTEN = "rewritten"
        RETURNED = "returned"
        CHANGED = "changed"
        ABSENT = "absent"
        EXPIRED = "expired"
        DELETED = "deleted"
        HIDDEN = "hidden"
        MISSING = "missing"
        DOUBLE = "double"
        FOREIGN = "foreign"
        STRAY = "stray"
        BUCKET = "bucket"

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+")
    bucket = models.ForeignKey("org.Bucket", on_delete=models.CASCADE, related_name="+")
    found_by = models.ForeignKey(InventoryPass, on_delete=models.CASCADE, related_name="+", db_index=False)
    seen_by = models.ForeignKey(InventoryPass, on_delete=models.CASCADE, related_name="findings")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    suspected = models.BooleanField()
    key = models.TextField(blank=True, db_collation="C")
    version = models.TextField(blank=True)
    copy = models.ForeignKey("ledger.Copy", null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    attempt = models.PositiveIntegerField(null=True)
    evidence = models.JSONField(default=dict)
    at = models.DateTimeField()
    over_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)
    closed_by = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bucket", "kind", "key", "version"], condition=Q(copy__isnull=True), name="finding_of_object"),
            models.UniqueConstraint(fields=["found_by", "copy"], condition=Q(copy__isnull=False), name="finding_of_copy"),
            models.CheckConstraint(condition=Q(closed_at__isnull=True) | ~Q(note=""), name="closed_finding_has_note"),
            models.CheckConstraint(condition=~Q(kind="absent") | Q(suspected=True), name="absent_is_explained"),
        ]
        indexes = [
            models.Index(fields=["bucket", "kind", "id"], condition=Q(suspected=False), name="finding_by_kind"),
            models.Index(fields=["copy"], condition=Q(copy__isnull=False), name="finding_by_copy"),
            models.Index(fields=["seen_by", "-kind", "id"], condition=Q(suspected=True), name="next_suspect"),
        ]

    def __str__(self) -> str:
        return f"inventory finding {self.pk}"


class InventorySchedule(models.Model):
    """When the next pass of a bucket is due, and why the last attempt ended early ("" if it did not).

    `deletes_after_days` is the age at which the bucket's own rule deletes objects, as a person declared it; None: not known.
    """

    bucket = models.OneToOneField("org.Bucket", primary_key=True, on_delete=models.CASCADE, related_name="+")
    due_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True)
    detail = models.TextField(blank=True)
    deletes_after_days = models.PositiveIntegerField(null=True)
    declared_by = models.TextField(blank=True)
    declared_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"inventory schedule of bucket {self.bucket_id}"
