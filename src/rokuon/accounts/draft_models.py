"""The table of drafts: what a person typed into a form that could not be saved at once."""

from django.db import models


class Draft(models.Model):
    """The fields that were sent to `path`, kept until they are sent again. Changed only by `drafts`.

    It belongs to one person, and to one company if the form was about one; `token` is the hash of the secret in its address. `typed` maps
    the names of fields to their values, never a secret. `shown` is what was computed for the person from them, such as a plan.
    """

    token = models.CharField(max_length=64, unique=True)
    person = models.ForeignKey("accounts.Person", on_delete=models.CASCADE, related_name="+")
    company = models.ForeignKey("org.Company", null=True, on_delete=models.CASCADE, related_name="+")
    path = models.TextField()
    typed = models.JSONField()
    shown = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"draft {self.pk}"
