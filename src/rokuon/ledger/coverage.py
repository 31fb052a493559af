"""Coverage: the UTC days of each target that were listed from end to end. A sealed (immutable) day is not listed again unless requested.

Coverage is kept per target, not per listing scope: a company listing is evidence only for the targets that it was sorted into, and a
target that gets its rule later has none (docs/design/ledger.md).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from django.db import transaction

from rokuon.domain import windows

from . import unread
from .sql import UNNAMED, at, columns, execute, fetch, ms

TargetDay = tuple[int, date]


@transaction.atomic
def cover(targets: Sequence[int], days: Sequence[date], fingerprint: str, listed_at_ms: int) -> None:
    """Enter that the days of these targets of one company were listed from end to end at `listed_at_ms`.

    A day that may contain an unreadable entry is not sealed. A later listing decides again whether a day is sealed: a recording that is
    missing since then opens the day again.
    """
    if not days:
        return
    missing, unreadable = _details_missing(targets, days), unread.open_days(targets, days)
    rows = [(target, day, _may_seal(target, day, listed_at_ms, missing, unreadable)) for target in sorted(targets) for day in sorted(days)]
    execute(
        """INSERT INTO ledger_coverage (target_id, day, fingerprint, listed_at, sealed)
           SELECT t, d, %s, %s, s FROM unnest(%s::bigint[], %s::date[], %s::bool[]) AS x(t, d, s)
               ON CONFLICT (target_id, day) DO UPDATE
              SET sealed = EXCLUDED.sealed, fingerprint = EXCLUDED.fingerprint, listed_at = EXCLUDED.listed_at
            WHERE ledger_coverage.listed_at <= EXCLUDED.listed_at""",
        [fingerprint, at(listed_at_ms), *columns(rows, 3)],
    )


def _may_seal(target: int, day: date, listed_at_ms: int, missing: Mapping[TargetDay, int], unreadable: Collection[TargetDay]) -> bool:
    place = (target, day)
    return windows.may_seal(day, listed_at_ms=listed_at_ms, complete=place not in unreadable, details_missing=missing.get(place, 0))


def _details_missing(targets: Sequence[int], days: Sequence[date]) -> dict[tuple[int, date], int]:
    """Count calls that were recorded although no recording was listed, and that no person has explained, by target and UTC day."""
    found = fetch(
        f"""SELECT target_id, (started_at AT TIME ZONE 'UTC')::date AS day, count(*) FROM ledger_call k
            WHERE target_id = ANY(%s) AND {UNNAMED} AND started_at >= %s AND started_at < %s GROUP BY 1, 2""",  # noqa: S608 (a constant piece)
        [list(targets), at(windows.day_start_ms(min(days))), at(windows.day_start_ms(max(days)) + windows.DAY_MS)],
    )
    return {(target, day): count for target, day, count in found}


@transaction.atomic
def settle(days: Collection[tuple[int, date]]) -> None:
    """Decide again whether these days (target, UTC day) are sealed, without a new listing: a person has explained a call of theirs without
    a recording, or took that back. The other results of a day's latest listing stay."""
    rows = fetch(
        """SELECT v.id, v.target_id, v.day, v.listed_at
             FROM ledger_coverage v JOIN unnest(%s::bigint[], %s::date[]) AS x(t, d) ON v.target_id = x.t AND v.day = x.d
            ORDER BY v.id FOR UPDATE OF v""",
        columns(sorted(set(days)), 2),
    )
    if not rows:
        return
    targets, listed = sorted({row[1] for row in rows}), [row[2] for row in rows]
    missing, unreadable = _details_missing(targets, listed), unread.open_days(targets, listed)
    decided = [(key, _may_seal(target, day, ms(listed_at), missing, unreadable)) for key, target, day, listed_at in rows]
    execute(
        "UPDATE ledger_coverage v SET sealed = x.s FROM unnest(%s::bigint[], %s::bool[]) AS x(i, s) WHERE v.id = x.i AND v.sealed <> x.s",
        columns(decided, 2),
    )


def sealed_days(targets: Sequence[int], fingerprint: str) -> dict[int, set[date]]:
    """Return the sealed days of each target with these listing options; a target without any maps to an empty set."""
    found: dict[int, set[date]] = {target: set() for target in targets}
    for target, day in fetch(
        "SELECT target_id, day FROM ledger_coverage WHERE target_id = ANY(%s) AND sealed AND fingerprint = %s",
        [list(targets), fingerprint],
    ):
        found[target].add(day)
    return found


def void(targets: Sequence[int]) -> None:
    """Delete the coverage of these targets: their rule was switched on, and a listing made at the same time may have left them out."""
    execute("DELETE FROM ledger_coverage WHERE target_id = ANY(%s)", [list(targets)])
