"""The table of requested sign-in links that are sent by mail."""

from django.db import models


class MailLink(models.Model):
    """A request for a sign-in link by mail, and the link. Changed only by `mail_links`.

    A row is written for every address that anyone enters, in its normal form, whether it may sign in or not; the answer to the request
    cannot tell which. A worker handles the row when it is due (`due_at`, null afterwards). `token` is the hash of the link's secret, null
    while no link was sent. `next` is the page of ours to which the link leads.
    """

    class Purpose(models.TextChoices):
        SIGN_IN = "sign_in"
        PASSWORD = "password"  # noqa: S105 - the name of a purpose

    email = models.EmailField(max_length=254, db_index=True)
    purpose = models.CharField(max_length=8, choices=Purpose.choices)
    next = models.TextField(blank=True)
    language = models.CharField(max_length=2)
    asked_at = models.DateTimeField(db_index=True)
    due_at = models.DateTimeField(null=True, db_index=True)
    tries = models.PositiveIntegerField(default=0)
    token = models.CharField(max_length=64, null=True, unique=True)
    expires_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"mail link {self.pk}"
