"""Read-only queries on the ledger for pages, commands and jobs."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime

from rokuon.domain.pace import Listed
from rokuon.domain.recording import RecordingKind
from rokuon.domain.work import VerifiedRecording

from . import failures, unread
from .models import Run, Window
from .sql import IN_OPEN_WINDOW, LISTS_FOR, STOPPED_BY_HOLD, STOPPED_BY_PAUSE, UNNAMED, fetch
from .tally import Counts as Counts
from .tally import counts_by_target as counts_by_target


def details_missing(
    company_id: int, targets: Sequence[int] | None = None, since: datetime | None = None, until: datetime | None = None
) -> dict[int, int]:
    """Count, by target, calls that were recorded although no recording is listed for them ("recorded, but nothing to fetch"), and that no
    person has explained (`unnamed.close`); only those that started in [since, until), if given."""
    return dict(
        fetch(
            f"""SELECT k.target_id, count(*) FROM ledger_call k JOIN org_target t ON t.id = k.target_id
                WHERE t.company_id = %(company)s AND (%(targets)s::bigint[] IS NULL OR t.id = ANY(%(targets)s)) AND {UNNAMED}
                  AND (%(since)s::timestamptz IS NULL OR k.started_at >= %(since)s)
                  AND (%(until)s::timestamptz IS NULL OR k.started_at < %(until)s)
                GROUP BY 1""",  # noqa: S608 (a constant piece)
            {"company": company_id, "targets": list(targets) if targets is not None else None, "since": since, "until": until},
        )
    )


GOING_ON = "state = 'queued' OR (state = 'waiting' AND reason = '')"
"""This window is listed now or as soon as a place is free: it does not wait for a later time."""

NOTHING_TO_LIST = Listed(0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class RunProgress:
    """Progress of a run. `windows_done` of `windows` are listed and tried; `unlisted` could not be listed. `postponed` wait for a later
    time because their listing failed. `malformed` counts the unexplained, unreadable entries of its range, listed by any run. `found`
    counts the recordings that were not in the ledger before the run. `unnamed` counts its unexplained calls that were recorded although no
    recording is listed for them. `explained` counts its failed and gone recordings that a person has closed."""

    run: Run
    windows: int
    windows_done: int
    unlisted: int
    postponed: int
    pages: int
    calls: int
    malformed: int
    found: int
    unnamed: int
    targets: dict[int, Counts] = field(default_factory=dict)
    listed: Listed = NOTHING_TO_LIST
    explained: int = 0

    @property
    def open(self) -> int:
        """The number of recordings that failed or are gone and that no person has explained."""
        return max(0, self.total.failed + self.total.gone - self.explained)

    @property
    def total(self) -> Counts:
        return sum(self.targets.values(), Counts())


def run_progress(run_id: int, within: Set[int] | None = None) -> RunProgress:
    """Return the progress of a run; with `within`, only of these targets and of the windows that list for any of them."""
    run = Run.objects.get(pk=run_id)
    ((windows, done, unlisted, postponed, pages, calls, seconds, to_list, going_on),) = fetch(
        f"""SELECT count(*), count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'failed' AND reason <> 'run_cancelled'),
                  count(*) FILTER (WHERE state = 'waiting' AND reason <> ''),
                  COALESCE(sum(pages), 0), COALESCE(sum(calls), 0),
                  COALESCE(sum(EXTRACT(EPOCH FROM before - CASE WHEN state = 'done' THEN after ELSE listed_down_to END)), 0)::float8,
                  COALESCE(sum(EXTRACT(EPOCH FROM listed_down_to - after)) FILTER (WHERE {GOING_ON}), 0)::float8,
                  count(*) FILTER (WHERE {GOING_ON})
             FROM ledger_window w WHERE run_id = %(run)s AND (%(within)s::bigint[] IS NULL OR {LISTS_FOR})""",  # noqa: S608 (a constant piece)
        {"run": run_id, "within": None if within is None else sorted(within)},
    )
    targets = run.targets if within is None else [target for target in run.targets if target in within]
    counts = counts_by_target(run.company_id, targets, run.since, run.until)
    found = sum(one.discovered for one in counts.values()) - sum(run.known.get(str(target), 0) for target in targets)
    unnamed = sum(details_missing(run.company_id, targets, run.since, run.until).values())
    malformed = unread.count(unread.still_open(unread.find(run.company_id, targets, run.since, run.until)))
    closed = sum(failures.explained(run.company_id, targets, run.since, run.until).values())
    listed = Listed(seconds, to_list, going_on, pages, max(0, found))
    return RunProgress(run, windows, done, unlisted, postponed, pages, calls, malformed, max(0, found), unnamed, counts, listed, closed)


def paused_runs(company_id: int) -> set[int]:
    return set(Run.objects.filter(company_id=company_id, state=Run.State.PAUSED).values_list("pk", flat=True))


def latest_runs(company_id: int, limit: int = 20) -> list[Run]:
    return list(Run.objects.filter(company_id=company_id, purpose=Run.Purpose.BACK_UP_NOW).order_by("-created_at")[:limit])


def failing_windows(run_id: int, within: Set[int] | None = None) -> list[Window]:
    """Return windows that wait after a failure or have failed finally, with reasons; with `within`, those that list for these targets."""
    windows = Window.objects.filter(run_id=run_id).exclude(reason="").exclude(state=Window.State.DONE).order_by("after")
    return [window for window in windows if within is None or not within.isdisjoint(window.targets)]


def companies_with_open_runs() -> list[int]:
    return list(Run.objects.filter(state=Run.State.RUNNING).values_list("company_id", flat=True).distinct())


def queued_windows() -> list[int]:
    return list(Window.objects.filter(state=Window.State.QUEUED).values_list("pk", flat=True))


def companies_with_due_copies(now: datetime) -> list[int]:
    """Return companies with a pending, due copy that no open hold and no pause stops and no open window will process."""
    rows = fetch(
        f"""SELECT k.id FROM org_company k
             WHERE EXISTS (SELECT 1 FROM ledger_copy c JOIN ledger_recording r ON r.id = c.recording_id
                            WHERE c.company_id = k.id AND c.state = 'pending' AND c.due_at <= %s
                              AND NOT {STOPPED_BY_HOLD} AND NOT ({STOPPED_BY_PAUSE}) AND NOT {IN_OPEN_WINDOW})""",  # noqa: S608 (constant pieces)
        [now],
    )
    return [row[0] for row in rows]


def witnesses(company_id: int, kind: str, limit: int, past: datetime | None) -> list[VerifiedRecording]:
    """Return the latest verified recordings of this kind, of calls after `past`."""
    # Ordered by id instead of time: this scans an index, and copies that were placed last were listed last.
    rows = fetch(
        """SELECT r.recording_id, r.url FROM ledger_copy c JOIN ledger_recording r ON r.id = c.recording_id
            WHERE c.company_id = %s AND c.state = 'verified' AND r.kind = %s AND (%s::timestamptz IS NULL OR c.call_started_at > %s)
            ORDER BY c.id DESC LIMIT %s""",
        [company_id, kind, past, past, limit],
    )
    return [VerifiedRecording(RecordingKind(kind), recording_id, url) for recording_id, url in rows]


def bucket_fails(company_id: int, bucket_id: int, reasons: Sequence[str], in_a_row: int) -> bool:
    """Whether the latest tries of `in_a_row` pending or failed copies of the bucket ended with one of these reasons, and no copy was
    verified there since the first of them."""
    rows = fetch(
        """SELECT count(*) = %(in_a_row)s AND NOT EXISTS (
                      SELECT 1 FROM ledger_copy v
                       WHERE v.bucket_id = %(bucket)s AND v.state = 'verified' AND v.changed_at > min(x.changed_at))
             FROM (SELECT changed_at FROM ledger_copy
                    WHERE company_id = %(company)s AND bucket_id = %(bucket)s AND state IN ('pending', 'failed')
                      AND reason = ANY(%(reasons)s)
                    ORDER BY changed_at DESC LIMIT %(in_a_row)s) x""",
        {"company": company_id, "bucket": bucket_id, "reasons": list(reasons), "in_a_row": in_a_row},
    )
    return bool(rows[0][0])
