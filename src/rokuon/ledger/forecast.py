"""What a change of settings affects: recordings of the last month, by target, and recordings that wait."""

from collections.abc import Sequence
from datetime import datetime

from . import tally
from .sql import fetch


def recordings_since(company_id: int, targets: Sequence[int], since: datetime) -> dict[int, int]:
    """Count recordings of calls that started at `since` or later, by target; targets without any are left out."""
    return {target: counts.discovered for target, counts in tally.counts_by_target(company_id, targets, since).items()}


def waiting(targets: Sequence[int]) -> dict[int, int]:
    """Count pending copies, by target; targets without any are left out."""
    return dict(
        fetch(
            "SELECT target_id, count(*) FROM ledger_copy WHERE target_id = ANY(%s) AND state = 'pending' GROUP BY target_id",
            [list(targets)],
        )
    )
