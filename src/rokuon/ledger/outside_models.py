"""Tables of the recorded calls outside every rule: sums by UTC day and line."""

from django.db import models


class OutsideDay(models.Model):
    """A UTC day of a company whose calls, of every target and line, were listed from end to end: its `OutsideCount` rows are known.
    `listed_at` is the start of the run that listed it; a later run replaces the day's rows. `published_at` is when its listing ended. With
    other listing options than `fingerprint`, other calls might have been counted."""

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    fingerprint = models.TextField()
    listed_at = models.DateTimeField()
    published_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "day"], name="outside_day_once")]

    def __str__(self) -> str:
        return f"outside day {self.pk}"


class OutsideFigures(models.Model):
    """The recorded calls of one line and UTC day that belong to no target with a rule, and their recordings. The line is a contact center,
    department, main line or person (`domain.outside.LineKind`), by the source's id; `name` as last listed."""

    day = models.DateField()
    kind = models.CharField(max_length=16)
    line_id = models.TextField(blank=True)
    name = models.TextField(blank=True)
    calls = models.PositiveIntegerField()
    recordings = models.PositiveIntegerField()

    class Meta:
        abstract = True


class OutsideCount(OutsideFigures):
    """The latest figures of a day that is listed from end to end (`OutsideDay`)."""

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "day", "kind", "line_id"], name="outside_count_once")]

    def __str__(self) -> str:
        return f"outside count {self.pk}"


class OutsideSoFar(OutsideFigures):
    """What an unfinished window has listed above its resume mark; at its end it becomes the figures of its days."""

    window = models.ForeignKey("ledger.Window", on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["window", "day", "kind", "line_id"], name="outside_so_far_once")]

    def __str__(self) -> str:
        return f"outside so far {self.pk}"
