"""Tables of notices (problems until they are over), of the mails about them, and of their recipients."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone


class NoticeKind(models.TextChoices):
    """The subject of a notice. `FAILED` and `GONE` are copies of one cause in one office; `HOLD` is an open hold; `UNNAMED` are calls that
    were recorded although the source lists no recording for them; `SILENCE` is a target that usually has calls and has none; `EXPIRING` are
    copies that leave the source's access window within seven days; `UNLISTED` are days that are not listed from end to end, by reason, and
    `UNREADABLE` entries of a list; `NOT_LISTED`: recent calls have not been checked for a long time; `NO_EVENT`: the source has sent no
    event for a long time; `UNSEALED`: a bucket is not sealed; `NO_WORKER`: no worker is running (of the whole installation)."""

    FAILED = "failed"
    GONE = "gone"
    HOLD = "hold"
    UNNAMED = "unnamed"
    SILENCE = "silence"
    EXPIRING = "expiring"
    UNLISTED = "unlisted"
    UNREADABLE = "unreadable"
    NOT_LISTED = "not_listed"
    NO_EVENT = "no_event"
    UNSEALED = "unsealed"
    NO_WORKER = "no_worker"


class Notice(models.Model):
    """A problem that someone should know about, from its first sign until it is over. One is open for each kind, cause and office.

    `company` is null for the installation's problems, `office` for the whole company's. `cause` is a reason code, "" if the kind is enough;
    `ref` distinguishes problems with the same cause ("source", a recording kind, "bucket:<id>", a target's id). `count` is the number of
    affected things now, `most` at worst; `facts` hold the rest of what its text needs (`message.NoticeLine`).

    `since` is when the problem began, as far as known; `opened_at` is when it was entered, or found again. The last mail about it was
    queued at `told_at`; mails other than reminders were sent `times_told` times, the last one about `told_count` things, 0 while nobody
    knows of it. `escalated_at` is when the company's admins were notified of a problem that an office's admins have not fixed. An
    acknowledged notice causes no more reminders and stays open. The problem has not been found since `clear_since`, and is over at
    `ended_at`.
    """

    company = models.ForeignKey("org.Company", null=True, on_delete=models.CASCADE, related_name="+")
    office = models.ForeignKey("org.Office", null=True, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=NoticeKind.choices)
    cause = models.TextField(blank=True)
    ref = models.TextField(blank=True)
    count = models.BigIntegerField(default=0)
    most = models.BigIntegerField(default=0)
    facts = models.JSONField(default=dict)
    since = models.DateTimeField()
    opened_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True)
    told_count = models.BigIntegerField(default=0)
    times_told = models.PositiveIntegerField(default=0)
    escalated_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.TextField(blank=True)
    clear_since = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company", "office", "kind", "cause", "ref"], condition=Q(ended_at__isnull=True), name="one_open_notice_of_office"
            ),
            models.UniqueConstraint(
                fields=["company", "kind", "cause", "ref"],
                condition=Q(ended_at__isnull=True, office__isnull=True),
                name="one_open_notice_of_company",
            ),
            models.UniqueConstraint(
                fields=["kind", "cause", "ref"],
                condition=Q(ended_at__isnull=True, company__isnull=True),
                name="one_open_notice_of_all",
            ),
            models.CheckConstraint(condition=Q(kind__in=NoticeKind.values), name="notice_kind"),
            models.CheckConstraint(condition=Q(office__isnull=True) | Q(company__isnull=False), name="notice_of_office_names_company"),
        ]
        indexes = [models.Index(fields=["company", "ended_at"], name="notice_by_company")]

    def __str__(self) -> str:
        return f"notice {self.pk}"


class Occasion(models.TextChoices):
    """The reason for a mail: a new problem, an increase, the daily reminder, escalation to the company's admins, the end of a problem, the
    result of the first Back up now, the week, or a test mail."""

    OPENED = "opened"
    MORE = "more"
    REMINDER = "reminder"
    ESCALATED = "escalated"
    ENDED = "ended"
    BACKFILL = "backfill"
    WEEKLY = "weekly"
    TRIAL = "trial"


class Mail(models.Model):
    """A mail to one address: the outbox. It is created in the transaction that decides on it, and waits until the server has accepted it.

    `letter` is its content (`message.Letter`); the text is made when it is sent. `token` is its permanent Message-ID: if the process dies
    before it can store that the mail was accepted, the mail is sent twice, and its reader's mail program sees one mail.

    It is due at `due_at`, null after it was sent or finally refused (`refused_at`: the server does not accept the address; `error` holds
    the server's code, never its text).
    """

    token = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    company = models.ForeignKey("org.Company", null=True, on_delete=models.CASCADE, related_name="+")
    office = models.ForeignKey("org.Office", null=True, on_delete=models.CASCADE, related_name="+")
    occasion = models.CharField(max_length=9, choices=Occasion.choices)
    to = models.TextField()
    language = models.CharField(max_length=2)
    letter = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    refused_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(occasion__in=Occasion.values), name="mail_occasion"),
            models.CheckConstraint(
                condition=Q(due_at__isnull=False, sent_at__isnull=True, refused_at__isnull=True)
                | Q(due_at__isnull=True, sent_at__isnull=False, refused_at__isnull=True)
                | Q(due_at__isnull=True, sent_at__isnull=True, refused_at__isnull=False),
                name="mail_due_sent_or_refused",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="mail_due"),
            models.Index(fields=["company", "-created_at"], name="mail_by_company"),
            models.Index(fields=["to", "-created_at"], name="mail_by_address"),
        ]

    def __str__(self) -> str:
        return f"mail {self.pk}"


class Recipient(models.Model):
    """An address that a person added by hand, for an office or for the whole company (`office` null), in its normal form.

    `added_by` is a name or address.
    """

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+")
    office = models.ForeignKey("org.Office", null=True, on_delete=models.CASCADE, related_name="+")
    email = models.EmailField(max_length=254)
    language = models.CharField(max_length=2)
    added_by = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "email"], condition=Q(office=None), name="recipient_of_company_once"),
            models.UniqueConstraint(fields=["office", "email"], name="recipient_of_office_once"),
            models.CheckConstraint(condition=Q(email__regex=r"^[^A-Z@[:space:]]+@[a-z0-9.-]+$"), name="recipient_address"),
            models.CheckConstraint(condition=Q(language__in=["en", "ja"]), name="recipient_language"),
        ]

    def __str__(self) -> str:
        return f"recipient {self.pk}"


class NotificationSettings(models.Model):
    """A company's notification preferences, and the last periodic mails that it got.

    `language` is for addresses whose reader has chosen none, "" for the installation's. `directory_admins`: whether the office admins that
    Dialpad's directory names are notified without having been invited here. `weekly_for` is the Monday of the newest weekly mail;
    `summary_of` is the first Back up now, once its summary was written.
    """

    company = models.OneToOneField("org.Company", primary_key=True, on_delete=models.CASCADE, related_name="notification_settings")
    directory_admins = models.BooleanField(default=True)
    weekly = models.BooleanField(default=True)
    language = models.CharField(max_length=2, blank=True)
    weekly_for = models.DateField(null=True)
    summary_of = models.BigIntegerField(null=True)

    class Meta:
        db_table = "notify_rhythm"
        constraints = [models.CheckConstraint(condition=Q(language__in=["", "en", "ja"]), name="rhythm_language")]

    def __str__(self) -> str:
        return f"notification settings {self.pk}"

    @classmethod
    def of(cls, company_id: int) -> "NotificationSettings":
        """Return the company's preferences; an unsaved default if nobody has chosen any."""
        return cls.objects.filter(pk=company_id).first() or cls(company_id=company_id)
