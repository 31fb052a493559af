"""Which UTC days of which target were listed from end to end. A sealed day is not listed again unless asked.

Kept per target, not per listing scope: a company listing is evidence only for the targets that it was sorted into, and a target
that gets its rule later has none (docs/design/ledger.md).
"""

from collections.abc import Sequence
from datetime import date

from django.db import transaction

from rokuon.domain import windows

from .sql import at, columns, execute, fetch


@transaction.atomic
def cover(targets: Sequence[int], days: Sequence[date], fingerprint: str, listed_at_ms: int, *, complete: bool) -> None:
    """The days were listed from end to end at `listed_at_ms`; `complete` is False where an item of the listing could not be read.

    A later listing decides anew whether a day is sealed: a recording that has gone missing since opens the day again.
    """
    if not days:
        return
    missing = _details_missing(targets, days)
    rows = [
        (
            target,
            day,
            windows.may_seal(day, listed_at_ms=listed_at_ms, complete=complete, details_missing=missing.get((target, day), 0)),
        )
        for target in sorted(targets)
        for day in sorted(days)
    ]
    execute(
        """INSERT INTO ledger_coverage (target_id, day, fingerprint, listed_at, sealed)
           SELECT t, d, %s, %s, s FROM unnest(%s::bigint[], %s::date[], %s::bool[]) AS x(t, d, s)
               ON CONFLICT (target_id, day) DO UPDATE
              SET sealed = EXCLUDED.sealed, fingerprint = EXCLUDED.fingerprint, listed_at = EXCLUDED.listed_at
            WHERE ledger_coverage.listed_at <= EXCLUDED.listed_at""",
        [fingerprint, at(listed_at_ms), *columns(rows, 3)],
    )


def _details_missing(targets: Sequence[int], days: Sequence[date]) -> dict[tuple[int, date], int]:
    """Calls that were recorded although no recording was listed for them, by target and UTC day."""
    found = fetch(
        """SELECT target_id, (started_at AT TIME ZONE 'UTC')::date AS day, count(*) FROM ledger_call
            WHERE target_id = ANY(%s) AND was_recorded AND recordings = 0
              AND started_at >= %s AND started_at < %s GROUP BY 1, 2""",
        [list(targets), at(windows.day_start_ms(min(days))), at(windows.day_start_ms(max(days)) + windows.DAY_MS)],
    )
    return {(target, day): count for target, day, count in found}


def sealed_days(targets: Sequence[int], fingerprint: str) -> dict[int, set[date]]:
    """The sealed days of each target under these listing options; a target without any maps to an empty set."""
    found: dict[int, set[date]] = {target: set() for target in targets}
    for target, day in fetch(
        "SELECT target_id, day FROM ledger_coverage WHERE target_id = ANY(%s) AND sealed AND fingerprint = %s",
        [list(targets), fingerprint],
    ):
        found[target].add(day)
    return found


def void(targets: Sequence[int]) -> None:
    """Forget what was listed for these targets: their rule was switched on, and a listing made meanwhile may have passed them by."""
    execute("DELETE FROM ledger_coverage WHERE target_id = ANY(%s)", [list(targets)])
