"""Table of the other party of each recording's call, as far as the company keeps it (`domain.other_party`)."""

from django.db import models
from django.db.models import Q


class OtherParty(models.Model):
    """The other party of a recording. It has a table of its own, so that nothing else that reads recordings loads it, and so that it can be
    removed without touching them.

    `detail` is the choice under which it was kept, `number_hash` the keyed hash of the number. `number` is "" unless it was kept in full.
    """

    recording = models.OneToOneField("ledger.Recording", primary_key=True, on_delete=models.CASCADE, related_name="other_party")
    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+", db_index=False)
    detail = models.CharField(max_length=6)
    direction = models.CharField(max_length=8, blank=True)
    number_hash = models.CharField(max_length=32, blank=True)
    ending = models.CharField(max_length=4, blank=True)
    number = models.CharField(max_length=16, blank=True)
    name = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(detail__in=["masked", "full"]), name="other_party_detail"),
            models.CheckConstraint(condition=Q(detail="full") | Q(number=""), name="masked_party_has_no_number"),
        ]
        indexes = [
            models.Index(fields=["company", "number_hash"], condition=~Q(number_hash=""), name="other_party_by_number"),
            models.Index(fields=["company", "detail"], name="other_party_by_detail"),
        ]

    def __str__(self) -> str:
        return f"other party of recording {self.pk}"
