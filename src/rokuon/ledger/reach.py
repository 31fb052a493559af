"""Since when each target's calls are to be backed up: asked for by a Back up now, and only ever earlier."""

from collections.abc import Sequence
from datetime import datetime

from .sql import execute, fetch


def extend(targets: Sequence[int], since: datetime) -> None:
    """A Back up now from `since` on was asked for these targets."""
    execute(
        """INSERT INTO ledger_reach (target_id, since) SELECT t, %s FROM unnest(%s::bigint[]) AS x(t) ORDER BY t
               ON CONFLICT (target_id) DO UPDATE SET since = EXCLUDED.since WHERE ledger_reach.since > EXCLUDED.since""",
        [since, list(targets)],
    )


def of(targets: Sequence[int]) -> dict[int, datetime]:
    """By target; one that was never part of a Back up now is missing."""
    return dict(fetch("SELECT target_id, since FROM ledger_reach WHERE target_id = ANY(%s)", [list(targets)]))
