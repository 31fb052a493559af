"""Tables of listings: the listed days, how far back to list a target, and the unreadable entries."""

from datetime import timedelta

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce


class Coverage(models.Model):
    """A UTC day of a target that was listed from end to end, and with which options. A sealed day is not listed again."""

    target = models.ForeignKey("org.Target", on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    fingerprint = models.TextField()
    listed_at = models.DateTimeField()
    sealed = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["target", "day"], name="coverage_once")]

    def __str__(self) -> str:
        return f"coverage {self.pk}"


class Reach(models.Model):
    """The time from which a target's calls are backed up: the earliest start of any Back up now that included it. A target without a row
    was never part of one."""

    target = models.OneToOneField("org.Target", primary_key=True, on_delete=models.CASCADE, related_name="+")
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"reach {self.pk}"


class Unreadable(models.Model):
    """A listed entry that could not be read, of a call that started in [after, before). It is kept, once, until the same entry is read, or
    its time is listed without it.

    `target` is null if the entry does not show its target: then it may belong to any target. `mark` is its identity
    (`domain.work.Unread`), `seen_at` the time of the last listing that contained it. With `closed_at` a person has explained it with a
    `note`: no action is needed, however often it is listed again.
    """

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+")
    target = models.ForeignKey("org.Target", null=True, on_delete=models.CASCADE, related_name="+")
    mark = models.TextField()
    call_id = models.TextField(blank=True)
    kind = models.TextField(blank=True)
    recording_id = models.TextField(blank=True)
    after = models.DateTimeField()
    before = models.DateTimeField()
    why = models.TextField()
    first_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    note = models.TextField(blank=True, default="", db_default="")
    closed_by = models.TextField(blank=True, default="", db_default="")
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("company", "mark", Coalesce("target", 0), name="unreadable_once"),
            models.CheckConstraint(condition=Q(after__lt=F("before")), name="unreadable_range_upright"),
            models.CheckConstraint(condition=Q(closed_at=None) | ~Q(note=""), name="unreadable_closing_has_note"),
        ]
        indexes = [
            models.Index(fields=["company", "after"], name="unreadable_by_time"),
            models.Index(fields=["company", "call_id"], name="unreadable_by_call"),
        ]

    def __str__(self) -> str:
        return f"unreadable {self.pk}"

    @property
    def exact(self) -> bool:
        """Whether the call's start is known."""
        return self.before - self.after <= timedelta(milliseconds=1)
