"""Tables of events: each company's webhook, and the hints to look for calls."""

import secrets

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone


def new_path() -> str:
    """Return a new random path, which identifies the company in the hook's address: 132 bits."""
    return secrets.token_urlsafe(17)[:22]


class Hook(models.Model):
    """A company's webhook at Dialpad. `secret` and `old_secret` are encrypted; both are valid until `old_until`, so that no event in
    transit is lost when the secret changes. `reason` is why the last check of webhook and subscription failed, "" if it did not.

    `event_at` is the time of the last event, and `address` the public address with which the webhook was registered. `since` is the time
    when webhook and subscription first existed at Dialpad: earlier calls have no events. `refused` counts unsigned requests to its address
    within the minute after `refused_since`; `flood_at` is when they last exceeded the limit for stray requests (row W4).
    """

    company = models.OneToOneField("org.Company", on_delete=models.CASCADE, related_name="hook")
    path = models.CharField(max_length=22, unique=True, default=new_path, editable=False)
    secret = models.TextField()
    old_secret = models.TextField(blank=True)
    old_until = models.DateTimeField(null=True)
    secret_at = models.DateTimeField(default=timezone.now)
    address = models.TextField(blank=True)
    webhook_id = models.TextField(blank=True)
    subscription_id = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    event_at = models.DateTimeField(null=True)
    since = models.DateTimeField(null=True)
    refused = models.PositiveIntegerField(default=0)
    refused_since = models.DateTimeField(null=True)
    flood_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"hook {self.pk}"


class Hint(models.Model):
    """A received webhook event. `due_at` is when to look for its call next, null when that is done; `result` is how it ended. `started_at`
    is null and `state` empty if the event does not contain them.

    `other_legs` are the calls that the event names as legs of the same conversation: they must be listed too. `digest` ensures one row for
    an event that is sent again. Nothing else of the event is kept, because it contains phone numbers.
    """

    class Result(models.TextChoices):
        WAITING = ""
        FOUND = "found"
        LEFT = "left"
        STALE = "stale"

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    call_id = models.TextField()
    other_legs = ArrayField(models.TextField(), default=list)
    state = models.TextField()
    started_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    result = models.CharField(max_length=5, choices=Result.choices, default=Result.WAITING, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "digest"], name="hint_once"),
            models.CheckConstraint(condition=Q(due_at__isnull=True) | Q(result=""), name="hint_due_or_ended"),
        ]
        indexes = [
            models.Index(fields=["company", "due_at"], condition=Q(due_at__isnull=False), name="hint_due"),
            models.Index(fields=["received_at"], name="hint_by_age"),
            models.Index(fields=["company", "call_id"], name="hint_by_call"),
        ]

    def __str__(self) -> str:
        return f"hint {self.pk}"
