"""What screens, commands and jobs may ask of the ledger. Nothing here changes a row."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from .models import Copy, Run, Window
from .sql import IN_OPEN_WINDOW, LISTS_FOR, STOPPED_BY_HOLD, STOPPED_BY_PAUSE, fetch


@dataclass(frozen=True, slots=True)
class Counts:
    """The identity of states, and the bytes that are proven to be in the bucket."""

    pending: int = 0
    verified: int = 0
    failed: int = 0
    gone: int = 0
    excluded: int = 0
    bytes: int = 0
    recorded_ms: int = 0

    @property
    def discovered(self) -> int:
        return self.pending + self.verified + self.failed + self.gone + self.excluded

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def counts_by_target(
    company_id: int, targets: Sequence[int] | None = None, since: datetime | None = None, until: datetime | None = None
) -> dict[int, Counts]:
    """The states of the copies of each target; of the calls that started in [since, until) where given."""
    return {target: counts for target, (_new, counts) in _counts(company_id, targets, since, until, None).items()}


def _counts(
    company_id: int, targets: Sequence[int] | None, since: datetime | None, until: datetime | None, new_since: datetime | None
) -> dict[int, tuple[int, Counts]]:
    """By target: how many copies were made since then, and the states of all."""
    rows = fetch(
        """SELECT target_id, count(*) FILTER (WHERE created_at >= %(new_since)s::timestamptz),
                  count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'verified'),
                  count(*) FILTER (WHERE state = 'failed'), count(*) FILTER (WHERE state = 'gone'),
                  count(*) FILTER (WHERE state = 'excluded'), COALESCE(sum(size) FILTER (WHERE state = 'verified'), 0)::bigint,
                  COALESCE(sum(audio_ms) FILTER (WHERE state = 'verified'), 0)::bigint
             FROM ledger_copy
            WHERE company_id = %(company)s AND (%(targets)s::bigint[] IS NULL OR target_id = ANY(%(targets)s))
              AND (%(since)s::timestamptz IS NULL OR call_started_at >= %(since)s)
              AND (%(until)s::timestamptz IS NULL OR call_started_at < %(until)s)
            GROUP BY target_id""",
        {
            "company": company_id,
            "targets": list(targets) if targets is not None else None,
            "since": since,
            "until": until,
            "new_since": new_since,
        },
    )
    return {row[0]: (row[1], Counts(*row[2:])) for row in rows}


def details_missing(company_id: int) -> dict[int, int]:
    """By target: calls that were recorded although no recording was ever listed for them ("recorded, but nothing to fetch")."""
    return dict(
        fetch(
            """SELECT k.target_id, count(*) FROM ledger_call k JOIN org_target t ON t.id = k.target_id
                WHERE t.company_id = %s AND k.was_recorded AND k.recordings = 0 GROUP BY 1""",
            [company_id],
        )
    )


@dataclass(frozen=True, slots=True)
class RunProgress:
    """A run as it stands. `windows_done` of `windows` are listed and tried; `unlisted` could not be listed. `postponed` wait for a
    later time because their listing failed. `found` are the recordings that were not in the ledger before the run."""

    run: Run
    windows: int
    windows_done: int
    unlisted: int
    postponed: int
    pages: int
    calls: int
    malformed: int
    found: int
    targets: dict[int, Counts] = field(default_factory=dict)

    @property
    def total(self) -> Counts:
        return sum(self.targets.values(), Counts())


def run_progress(run_id: int, within: Set[int] | None = None) -> RunProgress:
    """With `within`, only of these targets, and of the windows that list for any of them."""
    run = Run.objects.get(pk=run_id)
    ((windows, done, unlisted, postponed, pages, calls, malformed),) = fetch(
        f"""SELECT count(*), count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'failed' AND reason <> 'run_cancelled'),
                  count(*) FILTER (WHERE state = 'waiting' AND reason <> ''),
                  COALESCE(sum(pages), 0), COALESCE(sum(calls), 0), COALESCE(sum(malformed), 0)
             FROM ledger_window w WHERE run_id = %(run)s AND (%(within)s::bigint[] IS NULL OR {LISTS_FOR})""",  # noqa: S608 (a constant piece)
        {"run": run_id, "within": None if within is None else sorted(within)},
    )
    targets = run.targets if within is None else [target for target in run.targets if target in within]
    counted = _counts(run.company_id, targets, run.since, run.until, run.created_at)
    found = sum(new for new, _counts_of in counted.values())
    counts = {target: counts for target, (_new, counts) in counted.items()}
    return RunProgress(run, windows, done, unlisted, postponed, pages, calls, malformed, found, counts)


def paused_runs(company_id: int) -> set[int]:
    return set(Run.objects.filter(company_id=company_id, state=Run.State.PAUSED).values_list("pk", flat=True))


def latest_runs(company_id: int, limit: int = 20) -> list[Run]:
    return list(Run.objects.filter(company_id=company_id).order_by("-created_at")[:limit])


def failing_windows(run_id: int, within: Set[int] | None = None) -> list[Window]:
    """Windows that wait after a failure or failed for good, with their reasons; with `within`, those that list for any of these targets."""
    windows = Window.objects.filter(run_id=run_id).exclude(reason="").exclude(state=Window.State.DONE).order_by("after")
    return [window for window in windows if within is None or not within.isdisjoint(window.targets)]


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Copies set aside or waiting for one reason. Times are of the last change, UTC."""

    state: str
    reason: str
    copies: int
    targets: int
    first_at: datetime
    last_at: datetime


def failures_by_reason(company_id: int) -> list[FailureGroup]:
    """Failed and gone copies, and those that wait because something failed, by state and reason; the largest first."""
    rows = fetch(
        """SELECT state, reason, count(*), count(DISTINCT target_id), min(changed_at), max(changed_at)
             FROM ledger_copy WHERE company_id = %s AND (state IN ('failed', 'gone') OR (state = 'pending' AND reason <> ''))
            GROUP BY state, reason ORDER BY count(*) DESC, reason""",
        [company_id],
    )
    return [FailureGroup(*row) for row in rows]


def failed_copies(company_id: int, *, reason: str = "", limit: int = 50) -> list[Copy]:
    """Failed and gone copies, newest call first."""
    copies = Copy.objects.filter(company_id=company_id, state__in=["failed", "gone"]).select_related("recording", "target", "bucket")
    if reason:
        copies = copies.filter(reason=reason)
    return list(copies.order_by("-call_started_at", "pk")[:limit])


def companies_with_open_runs() -> list[int]:
    return list(Run.objects.filter(state=Run.State.RUNNING).values_list("company_id", flat=True).distinct())


def queued_windows() -> list[int]:
    return list(Window.objects.filter(state=Window.State.QUEUED).values_list("pk", flat=True))


def companies_with_due_copies(now: datetime) -> list[int]:
    """Companies with a pending, due copy that no open hold and no pause stops and no open window will meet."""
    rows = fetch(
        f"""SELECT k.id FROM org_company k
             WHERE EXISTS (SELECT 1 FROM ledger_copy c JOIN ledger_recording r ON r.id = c.recording_id
                            WHERE c.company_id = k.id AND c.state = 'pending' AND c.due_at <= %s
                              AND NOT {STOPPED_BY_HOLD} AND NOT ({STOPPED_BY_PAUSE}) AND NOT {IN_OPEN_WINDOW})""",  # noqa: S608 (constant pieces)
        [now],
    )
    return [row[0] for row in rows]


def verified_since(company_id: int, kind: str, since: datetime) -> bool:
    """Whether a recording of this kind was verified at or after that time."""
    return Copy.objects.filter(company_id=company_id, state="verified", recording__kind=kind, changed_at__gte=since).exists()
