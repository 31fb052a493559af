"""Tables of restore drills: recordings drawn by lot and read back from a bucket."""

from django.db import models
from django.db.models import F, Q

MILLION = 1_000_000


class Drill(models.Model):
    """A restore drill of a bucket. Of the `population` copies that were verified there when it was begun, `drawn` are to be read, of
    `bytes` in total; `domain.sampling.order` of `seed` decides which. `confidence` and `damaged_below` are in millionths.

    `read`, `bad` (damaged or missing) and `read_again` count the recordings read so far, `refused` those that the store refuses for
    good; the drill resumes at the next one. `upper` is the largest number of damaged ones in the population that a finished drill does
    not rule out; what could not be read counts as damaged there. `stopped` is the reason why the latest attempt
    to go on ended early, "" if it did not. A drill is `left` when a person begins another one instead of finishing it: it states nothing.
    """

    class State(models.TextChoices):
        OPEN = "open"
        FINISHED = "finished"
        LEFT = "left"

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+")
    bucket = models.ForeignKey("org.Bucket", on_delete=models.CASCADE, related_name="+")
    seed = models.TextField()
    confidence = models.PositiveIntegerField()
    damaged_below = models.PositiveIntegerField()
    population = models.BigIntegerField()
    drawn = models.BigIntegerField()
    bytes = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    read = models.BigIntegerField(default=0)
    bad = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0, db_default=0)
    read_again = models.BigIntegerField(default=0)
    upper = models.BigIntegerField(null=True)
    stopped = models.TextField(blank=True)
    by = models.TextField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bucket"], condition=Q(state="open"), name="one_open_drill"),
            models.CheckConstraint(condition=Q(state__in=["open", "finished", "left"]), name="drill_state"),
            models.CheckConstraint(
                condition=Q(bad__lte=F("read"), read__lte=F("drawn") - F("refused"), drawn__lte=F("population")), name="drill_counts_fit"
            ),
            models.CheckConstraint(
                condition=~Q(state="finished") | Q(read=F("drawn") - F("refused"), upper__isnull=False, ended_at__isnull=False),
                name="finished_drill_read_all",
            ),
        ]

    def __str__(self) -> str:
        return f"drill {self.pk}"


class DrawnRecording(models.Model):
    """A recording that a drill has drawn, in the order of the draw, with size, hash and length as they were verified then. `audio_ms` is
    None for one that a person accepted without proof: it is not looked at as audio.

    `result` is "" before it is read, "whole", or the reason code of what is wrong with it, or of why the store refuses it.
    """

    WHOLE = "whole"

    drill = models.ForeignKey(Drill, on_delete=models.CASCADE, related_name="recordings", db_index=False)
    place = models.PositiveIntegerField()
    copy = models.ForeignKey("ledger.Copy", on_delete=models.CASCADE, related_name="+")
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    audio_ms = models.BigIntegerField(null=True)
    result = models.TextField(blank=True)
    detail = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["drill", "place"], name="drawn_place_once")]
        indexes = [
            models.Index(fields=["drill", "place"], condition=Q(result=""), name="drawn_unread"),
            models.Index(fields=["drill", "place"], condition=~Q(result__in=["", "whole"]), name="drawn_bad"),
        ]

    def __str__(self) -> str:
        return f"drawn recording {self.pk}"
