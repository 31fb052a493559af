"""Read-only queries on runs within a person's reach, and on their results."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL

from . import tally
from .models import Run
from .read import Counts
from .sql import LISTS_FOR, fetch

_TOUCHES = "EXISTS (SELECT 1 FROM jsonb_array_elements_text(ledger_run.targets) t WHERE t::bigint = ANY(%s))"


def runs_within(company_id: int, offices: Set[int], targets: Set[int]) -> QuerySet[Run]:
    """Return runs of one of these offices or targets, and runs of the whole company that back up any of these targets."""
    touched = RawSQL(_TOUCHES, [sorted(targets)], output_field=BooleanField())  # noqa: S611 (a constant piece)
    return (
        Run.objects.filter(company_id=company_id, purpose=Run.Purpose.BACK_UP_NOW)
        .annotate(touched=touched)
        .filter(
            Q(scope_kind="company", touched=True)
            | Q(scope_kind="office", scope_id__in=offices)
            | Q(scope_kind__in=["callcenter", "coachingteam"], scope_id__in=targets)
        )
    )


def outcome(run: Run, within: Set[int] | None = None) -> Counts | None:
    """Return the counts of a run at its end; None if it has not ended, or if they were not kept."""
    if run.outcome is None:
        return None
    return sum((Counts(**counts) for target, counts in run.outcome.items() if within is None or int(target) in within), Counts())


def counts_now(runs: Sequence[Run], within: Set[int] | None = None) -> dict[int, Counts]:
    """Return, by run, the counts of its targets and range as they are now; states only. All runs are of one company."""
    alike: dict[tuple[int, ...], list[Run]] = {}
    for run in runs:
        alike.setdefault(tuple(sorted(target for target in run.targets if within is None or target in within)), []).append(run)
    found: dict[int, Counts] = {}
    for targets, group in alike.items():
        counts = tally.counts_in_ranges(group[0].company_id, targets, [(run.since, run.until) for run in group])
        found |= {run.pk: one for run, one in zip(group, counts, strict=True)}
    return found


def last_success(company_id: int) -> datetime | None:
    """Return the end of the newest run or sweep that listed all of its days; None if there is none."""
    rows = fetch(
        """SELECT max(finished_at) FROM ledger_run r
            WHERE company_id = %s AND state = 'finished'
              AND NOT EXISTS (SELECT 1 FROM ledger_window w WHERE w.run_id = r.id AND w.state = 'failed')""",
        [company_id],
    )
    ended: datetime | None = rows[0][0]
    return ended


def unlisted(run_ids: Sequence[int], within: Set[int] | None = None) -> dict[int, int]:
    """Count, by run, the windows that could not be listed."""
    return dict(
        fetch(
            f"""SELECT w.run_id, count(*) FROM ledger_window w
                 WHERE w.run_id = ANY(%(runs)s) AND w.state = 'failed' AND w.reason <> 'run_cancelled'
                   AND (%(within)s::bigint[] IS NULL OR {LISTS_FOR}) GROUP BY 1""",  # noqa: S608 (a constant piece)
            {"runs": list(run_ids), "within": None if within is None else sorted(within)},
        )
    )


@dataclass(frozen=True, slots=True)
class RunCause:
    """Number of copies of a run's range that are in this state for this reason now."""

    state: str
    reason: str
    copies: int


def causes(run: Run, within: Set[int] | None = None) -> list[RunCause]:
    """Return why recordings of the run's targets and range are not in the bucket now; in each state the most frequent cause first."""
    targets = [target for target in run.targets if within is None or target in within]
    rows = fetch(
        """SELECT state, reason, count(*) FROM ledger_copy
            WHERE company_id = %s AND target_id = ANY(%s) AND call_started_at >= %s AND call_started_at < %s
              AND state <> 'verified' AND reason <> '' GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2""",
        [run.company_id, targets, run.since, run.until],
    )
    return [RunCause(*row) for row in rows]
