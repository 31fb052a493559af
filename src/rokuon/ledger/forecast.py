"""Expected monthly recordings by target, from the last 30 days, to show how many recordings a change of settings will redirect."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from .sql import fetch

MONTH = timedelta(days=30)


def recordings_a_month(targets: Sequence[int], now: datetime) -> dict[int, int]:
    """Count recordings of calls that started within the last 30 days, by target; targets without any are left out."""
    return dict(
        fetch(
            """SELECT target_id, sum(recordings)::bigint FROM ledger_call
                WHERE target_id = ANY(%s) AND started_at >= %s AND recordings > 0 GROUP BY target_id""",
            [list(targets), now - MONTH],
        )
    )


def waiting(targets: Sequence[int]) -> dict[int, int]:
    """Count pending copies, by target; targets without any are left out."""
    return dict(
        fetch(
            "SELECT target_id, count(*) FROM ledger_copy WHERE target_id = ANY(%s) AND state = 'pending' GROUP BY target_id",
            [list(targets)],
        )
    )
