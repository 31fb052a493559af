"""What screens, commands and jobs may ask of the ledger. Nothing here changes a row."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from .models import Copy, Run, Window
from .sql import IN_OPEN_WINDOW, LISTS_FOR, STOPPED_BY_HOLD, STOPPED_BY_PAUSE, fetch
from .tally import Counts as Counts
from .tally import counts_by_target as counts_by_target


def details_missing(company_id: int, targets: Sequence[int] | None = None) -> dict[int, int]:
    """By target: calls that were recorded although no recording was ever listed for them ("recorded, but nothing to fetch")."""
    return dict(
        fetch(
            """SELECT k.target_id, count(*) FROM ledger_call k JOIN org_target t ON t.id = k.target_id
                WHERE t.company_id = %s AND (%s::bigint[] IS NULL OR t.id = ANY(%s)) AND k.was_recorded AND k.recordings = 0
                GROUP BY 1""",
            [company_id, *[list(targets) if targets is not None else None] * 2],
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
    counts = counts_by_target(run.company_id, targets, run.since, run.until)
    found = sum(one.discovered for one in counts.values()) - sum(run.known.get(str(target), 0) for target in targets)
    return RunProgress(run, windows, done, unlisted, postponed, pages, calls, malformed, max(0, found), counts)


def paused_runs(company_id: int) -> set[int]:
    return set(Run.objects.filter(company_id=company_id, state=Run.State.PAUSED).values_list("pk", flat=True))


def latest_runs(company_id: int, limit: int = 20) -> list[Run]:
    return list(Run.objects.filter(company_id=company_id, purpose=Run.Purpose.BACK_UP_NOW).order_by("-created_at")[:limit])


def failing_windows(run_id: int, within: Set[int] | None = None) -> list[Window]:
    """Windows that wait after a failure or failed for good, with their reasons; with `within`, those that list for any of these targets."""
    windows = Window.objects.filter(run_id=run_id).exclude(reason="").exclude(state=Window.State.DONE).order_by("after")
    return [window for window in windows if within is None or not within.isdisjoint(window.targets)]


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
