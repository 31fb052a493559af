"""The time from which each target's calls are backed up: set by a Back up now, and only ever moved earlier."""

from collections.abc import Sequence
from datetime import datetime

from .sql import execute, fetch


def extend(targets: Sequence[int], since: datetime) -> None:
    """Enter a Back up now from `since` for these targets."""
    execute(
        """INSERT INTO ledger_reach (target_id, since) SELECT t, %s FROM unnest(%s::bigint[]) AS x(t) ORDER BY t
               ON CONFLICT (target_id) DO UPDATE SET since = EXCLUDED.since WHERE ledger_reach.since > EXCLUDED.since""",
        [since, list(targets)],
    )


def of(targets: Sequence[int]) -> dict[int, datetime]:
    """Return this time by target; a target that was never part of a Back up now is left out."""
    return dict(fetch("SELECT target_id, since FROM ledger_reach WHERE target_id = ANY(%s)", [list(targets)]))
