"""The ledger's tables. Constraints make wrong states impossible; only `ledger.transitions` changes a copy's state.
Always: discovered = pending + verified + failed + gone + excluded (one state per copy).
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from . import drill_models, inventory_models  # noqa: F401 (Django finds models in this module)
from .listing_models import Coverage as Coverage
from .listing_models import Reach as Reach
from .listing_models import Unreadable as Unreadable
from .outside_models import OutsideCount as OutsideCount
from .party_models import OtherParty as OtherParty


class Call(models.Model):
    """A listed call of a backed-up target. `recordings` is the number that the source listed: 0 with `was_recorded` stays visible
    ("recorded, but nothing to fetch") until a recording is listed or a person explains it (`CallClosing`)."""

    target = models.ForeignKey("org.Target", on_delete=models.CASCADE, related_name="+")
    call_id = models.TextField()
    started_at = models.DateTimeField()
    was_recorded = models.BooleanField()
    recordings = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["target", "call_id"], name="call_once_per_target")]
        indexes = [
            models.Index(fields=["target", "started_at"], name="call_by_start"),
            models.Index(fields=["target", "started_at"], condition=Q(was_recorded=True, recordings=0), name="call_details_missing"),
        ]

    def __str__(self) -> str:
        return f"call {self.pk}"


class Recording(models.Model):
    """One recording of the source. `call_id` is the first call under which it was listed. `url` is the last one listed. `duration_ms` is as
    listed: None or 0 if Dialpad lists none. `call_ms` is from start to end of the longest call that listed it."""

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    recording_id = models.TextField()
    call_id = models.TextField()
    call_started_at = models.DateTimeField()
    duration_ms = models.BigIntegerField(null=True)
    call_ms = models.BigIntegerField(null=True)
    url = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "kind", "recording_id"], name="recording_once"),
            models.CheckConstraint(condition=Q(kind__in=["callrecording", "admincallrecording", "voicemail"]), name="recording_kind"),
        ]
        indexes = [models.Index(fields=["company", "call_id"], name="recording_by_call")]

    def __str__(self) -> str:
        return f"recording {self.pk}"


class Copy(models.Model):
    """One recording for one target in one bucket, across all attempts. The key is frozen when the row is made.

    `attempt` only grows. Every update names the state and the attempt that it saw, so a late or second worker changes nothing.
    `day` is the date folder of the key: the local date of the call, frozen with the key. A database trigger fills it in.
    `agent` is the name as listed, cut to 200 characters so that an index can hold it.
    `tries` and `negatives` (404s among them) count since it was entered or a person last retried it; `domain.retry` decides by them.
    `read_sha256` is the hash of the latest audio that was read and not proven, `read_at` the time when it was first seen. `facts`: see
    `ledger.proofs`. `given_up` lists why it was failed or gone since it was entered, as "state reason", the latest last; it is empty once
    the copy is verified. A pending copy with an entry is tried again and still not backed up, so its notice is not over before it is.
    """

    class State(models.TextChoices):
        PENDING = "pending"
        VERIFIED = "verified"
        FAILED = "failed"
        GONE = "gone"
        EXCLUDED = "excluded"

    class Proof(models.TextChoices):
        NONE = ""
        LENGTH = "length"
        READ_TWICE = "read_twice"
        READ_APART = "read_apart"
        ACCEPTED = "accepted"

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+")
    recording = models.ForeignKey(Recording, on_delete=models.CASCADE, related_name="copies")
    target = models.ForeignKey("org.Target", on_delete=models.PROTECT, related_name="+")
    bucket = models.ForeignKey("org.Bucket", on_delete=models.PROTECT, related_name="+")
    call_started_at = models.DateTimeField()
    key = models.TextField(db_collation="C")
    day = models.DateField()
    agent = models.TextField(blank=True)
    state = models.CharField(max_length=8, choices=State.choices, default=State.PENDING)
    attempt = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)
    detail = models.TextField(blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    negatives = models.PositiveSmallIntegerField(default=0)
    first_negative_at = models.DateTimeField(null=True)
    given_up = ArrayField(models.TextField(), default=list, db_default=[])
    size = models.BigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    crc32c = models.BigIntegerField(null=True)
    version = models.TextField(blank=True)
    md5 = models.CharField(max_length=24, blank=True, db_default="")
    proof = models.CharField(max_length=10, choices=Proof.choices, default=Proof.NONE, blank=True)
    audio_ms = models.BigIntegerField(null=True)
    facts = models.JSONField(null=True)
    read_sha256 = models.CharField(max_length=64, blank=True, db_default="")
    read_at = models.DateTimeField(null=True)
    accepted = models.ForeignKey("Aside", null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["recording", "target", "bucket"], name="copy_once"),
            models.UniqueConstraint(fields=["bucket", "key"], name="key_of_one_copy"),
            models.CheckConstraint(condition=Q(state__in=["pending", "verified", "failed", "gone", "excluded"]), name="copy_state"),
            models.CheckConstraint(
                condition=~Q(state="verified")
                | (
                    Q(size__gt=0, crc32c__isnull=False)
                    & ~Q(sha256="")
                    & (Q(proof="accepted") | Q(proof__in=["length", "read_twice", "read_apart"], audio_ms__isnull=False))
                ),
                name="verified_has_proof",
            ),
            models.CheckConstraint(condition=~Q(state__in=["failed", "gone", "excluded"]) | ~Q(reason=""), name="set_aside_has_reason"),
            models.CheckConstraint(condition=~Q(state="pending") | Q(due_at__isnull=False), name="pending_has_due_time"),
        ]
        indexes = [
            models.Index(fields=["company", "due_at"], condition=Q(state="pending"), name="copy_due"),
            models.Index(fields=["company", "call_started_at", "id"], condition=Q(state="pending"), name="copy_by_deadline"),
            models.Index(fields=["target", "call_started_at", "id"], name="copy_by_start"),
            models.Index(fields=["target", "state", "call_started_at", "id"], include=["agent"], name="copy_by_state"),
            models.Index(fields=["target", "day", "bucket"], name="copy_by_day"),
            models.Index(fields=["target", "agent", "call_started_at", "id"], name="copy_by_agent"),
            models.Index(
                fields=["target", "reason", "state", "call_started_at", "id"],
                include=["agent"],
                condition=~Q(reason=""),
                name="copy_by_reason",
            ),
            models.Index(fields=["company", "reason"], condition=Q(state__in=["failed", "gone"]), name="copy_failures"),
            models.Index(fields=["target", "call_started_at"], condition=Q(state__in=["pending", "failed"]), name="copy_unprotected"),
            models.Index(
                fields=["target", "proof", "call_started_at", "id"],
                condition=Q(proof__in=["read_twice", "read_apart", "accepted"]),
                name="copy_by_proof",
            ),
            models.Index(fields=["target", "state"], condition=~Q(given_up=[]), name="copy_given_up"),
            models.Index("target", Coalesce("size", 0), "id", name="copy_by_size"),
            models.Index("target", Coalesce("audio_ms", 0), "id", name="copy_by_length"),
        ]

    def __str__(self) -> str:
        return f"copy {self.pk}"


class Aside(models.Model):
    """Bytes of a copy that may be audio and could not be proven: an object beside the recordings, created once and never changed.

    `looks` names their likely format. `accepted_by` is the person who accepted them as the recording; they are then stored under the
    copy's own key as well.
    """

    copy = models.ForeignKey(Copy, on_delete=models.CASCADE, related_name="asides")
    key = models.TextField()
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    crc32c = models.BigIntegerField()
    content_type = models.TextField()
    looks = models.TextField()
    reason = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    accepted_by = models.TextField(blank=True, db_default="")
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["copy", "sha256"], name="aside_once")]

    def __str__(self) -> str:
        return f"aside {self.pk}"


class Tally(models.Model):
    """Number of copies of a target and day in a state for a reason: the sum over the rows of that key.

    Database triggers append a row of differences for each statement that changes copies (migration 0002), so no writer can forget it,
    writers do not wait for each other, and both are one transaction. `ledger.tally.fold` adds up older rows; folded rows have no `at`.
    `day` is the date folder of the key: the local date of the call in the target's zone, frozen with the key. `bytes` and `recorded_ms`
    count verified copies only. Plain ids instead of foreign keys: rows here are sums, and those of a deleted company fold to nothing.
    """

    company_id = models.BigIntegerField()
    target_id = models.BigIntegerField()
    day = models.DateField()
    state = models.CharField(max_length=8)
    reason = models.TextField()
    copies = models.BigIntegerField()
    bytes = models.BigIntegerField()
    recorded_ms = models.BigIntegerField()
    at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["company_id", "target_id", "day"], name="tally_by_day"),
            models.Index(fields=["company_id", "at"], condition=Q(at__isnull=False), name="tally_of_late"),
        ]

    def __str__(self) -> str:
        return f"tally {self.pk}"


class Run(models.Model):
    """A "Back up now" (M11). One may run per scope at a time: a second joins it. `scope_id` is the database id, 0 for the company.

    A sweep (a reconciliation poll) is a run that no person started: the tick starts it, to find calls that events missed (M8). Its
    `purpose` states how far back it goes.

    `targets` are the database ids of the targets that were backed up in the scope when the run started. While a run is `paused`, nothing
    of its range is listed or copied unless another, running run needs it.

    By target (its id as text): `known` is the number of recordings of the range that were in the ledger before the run; `outcome` the
    counts (`tally.Counts`) when it ended. Copies that were failed then may be verified now.
    """

    class State(models.TextChoices):
        RUNNING = "running"
        PAUSED = "paused"
        FINISHED = "finished"
        CANCELLED = "cancelled"

    class Purpose(models.TextChoices):
        BACK_UP_NOW = "backup_now"
        SWEEP_3H = "sweep_3h"
        SWEEP_48H = "sweep_48h"
        SWEEP_7D = "sweep_7d"
        SWEEP_35D = "sweep_35d"

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.BACK_UP_NOW)
    scope_kind = models.CharField(max_length=16)
    scope_id = models.BigIntegerField(default=0)
    targets = models.JSONField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    relist = models.BooleanField(default=False)
    state = models.CharField(max_length=9, choices=State.choices, default=State.RUNNING)
    created_at = models.DateTimeField(default=timezone.now)
    paused_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    known = models.JSONField(default=dict)
    outcome = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company", "scope_kind", "scope_id", "purpose"],
                condition=Q(state__in=["running", "paused"]),
                name="one_run_per_scope",
            ),
            models.CheckConstraint(condition=Q(state__in=["running", "paused", "finished", "cancelled"]), name="run_state"),
            models.CheckConstraint(condition=~Q(state="paused") | Q(paused_at__isnull=False), name="paused_run_says_since_when"),
            models.CheckConstraint(condition=Q(since__lt=F("until")), name="run_range_upright"),
            models.CheckConstraint(condition=Q(state__in=["running", "paused"]) | Q(finished_at__isnull=False), name="ended_run_has_end"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"


class Window(models.Model):
    """A part of a run: calls of one listing scope that started in [after, before). The unit of work of a job.

    `listed_down_to` is the resume mark: calls that started at or after it are in the ledger. It equals `after` when the whole
    window is listed. `targets` are the database ids of the targets that the listing is sorted into. `paused` are the open windows of a
    paused run. `failed` means that the source refused the listing itself: the days stay uncovered, and the run reports this at its end.

    `listed_as` maps each target (its id as text) to the way in which all jobs so far have listed for it; null before the first job. A
    target that was left out for a time, because its rule was off, or was listed with other options, is not in it and gets no coverage.
    Of a listing of the company it also has "outside", as long as its counts of the calls outside every rule hold (`outside_void.py`).
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        QUEUED = "queued"
        PAUSED = "paused"
        DONE = "done"
        FAILED = "failed"

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="windows")
    scope_kind = models.CharField(max_length=16)
    scope_id = models.TextField(blank=True)
    targets = models.JSONField()
    after = models.DateTimeField()
    before = models.DateTimeField()
    listed_down_to = models.DateTimeField()
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    attempt = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    reason = models.TextField(blank=True)
    detail = models.TextField(blank=True)
    pages = models.PositiveIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0)
    listed_as = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(after__lt=F("before")), name="window_upright"),
            models.CheckConstraint(condition=Q(listed_down_to__gte=F("after"), listed_down_to__lte=F("before")), name="window_mark_inside"),
            models.CheckConstraint(condition=Q(state__in=["waiting", "queued", "paused", "done", "failed"]), name="window_state"),
        ]
        indexes = [models.Index(fields=["run", "state"], name="window_by_state")]

    def __str__(self) -> str:
        return f"window {self.pk}"


class Hold(models.Model):
    """A circuit breaker: it stops work as narrowly as its cause, for a source, one recording kind of it, or a bucket.

    While a hold is open, no attempt is used up. `ref` is "" for a source, the recording kind, or the bucket's id. `released` counts the
    copies that could be tried again when it was lifted; None for an open hold, and for one that an earlier version lifted.
    """

    class On(models.TextChoices):
        SOURCE = "source"
        KIND = "kind"
        BUCKET = "bucket"

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+")
    on = models.CharField(max_length=6, choices=On.choices)
    ref = models.TextField(blank=True)
    reason = models.TextField()
    detail = models.TextField(blank=True)
    since = models.DateTimeField(default=timezone.now)
    probe_at = models.DateTimeField()
    probes = models.PositiveIntegerField(default=0)
    lifted_at = models.DateTimeField(null=True)
    released = models.PositiveIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "on", "ref"], condition=Q(lifted_at__isnull=True), name="one_open_hold"),
        ]

    def __str__(self) -> str:
        return f"hold {self.pk}"


class Closing(models.Model):
    """A person's explanation of a failed or gone copy: no action is needed. It is valid while the copy stays unchanged: until a person
    retries or re-opens it, or the recording is backed up. No run, sweep or timer takes up a closed copy."""

    copy = models.OneToOneField(Copy, primary_key=True, on_delete=models.CASCADE, related_name="closing")
    note = models.TextField()
    by = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(note=""), name="closing_has_note")]

    def __str__(self) -> str:
        return f"closing {self.pk}"


class CallClosing(models.Model):
    """A person's explanation of a call that was recorded although no recording is listed: no action is needed. It is valid however often
    the call is listed again, until a person re-opens the call; it has no effect once a recording is listed."""

    call = models.OneToOneField(Call, primary_key=True, on_delete=models.CASCADE, related_name="closing")
    note = models.TextField()
    by = models.TextField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(note=""), name="call_closing_has_note")]

    def __str__(self) -> str:
        return f"closing of call {self.pk}"


class Retry(models.Model):
    """A person's retry of failed copies: `copies` are their ids, so that the person can watch the progress."""

    company = models.ForeignKey("org.Company", on_delete=models.CASCADE, related_name="+")
    by = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    copies = ArrayField(models.BigIntegerField())

    def __str__(self) -> str:
        return f"retry {self.pk}"
