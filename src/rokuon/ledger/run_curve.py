"""Throughput of a run over time: what was verified of its targets and range while it ran.

It is counted from the copies, of which each keeps the time of its last change, so that it exists for runs of any age and costs no row of
its own. It reads every verified copy of the run's range: for a page that asks for it once, not for one that polls every two seconds.
"""

import math
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta

from .models import Run
from .sql import fetch

MOST = 60
"""A curve has at most this many steps."""
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400)


@dataclass(frozen=True, slots=True)
class Step:
    """What was verified from `begin` on, in `seconds`."""

    begin: datetime
    seconds: float
    copies: int
    bytes: int

    @property
    def per_second(self) -> float:
        return self.copies / self.seconds

    @property
    def bytes_per_second(self) -> float:
        return self.bytes / self.seconds


def curve(run: Run, now: datetime, within: Set[int] | None = None) -> list[Step]:
    """Return the steps of a run from its start to its end, or until `now`; with `within`, only of these targets. The last step may be
    shorter than the others. An empty list for a run that has verified nothing yet."""
    end = max(run.finished_at or now, run.created_at + timedelta(seconds=1))
    lasted = (end - run.created_at).total_seconds()
    step = step_s(lasted)
    targets = [target for target in run.targets if within is None or target in within]
    found = {
        int(number): (copies, size)
        for number, copies, size in fetch(
            """SELECT floor(EXTRACT(EPOCH FROM changed_at - %(begin)s) / %(step)s), count(*), sum(size)::bigint FROM ledger_copy
                WHERE company_id = %(company)s AND target_id = ANY(%(targets)s) AND state = 'verified'
                  AND call_started_at >= %(since)s AND call_started_at < %(until)s AND changed_at >= %(begin)s AND changed_at < %(end)s
                GROUP BY 1""",
            {
                "company": run.company_id,
                "targets": targets,
                "since": run.since,
                "until": run.until,
                "begin": run.created_at,
                "end": end,
                "step": step,
            },
        )
    }
    if not found:
        return []
    count = math.ceil(lasted / step)
    return [
        Step(run.created_at + timedelta(seconds=number * step), min(step, lasted - number * step), *found.get(number, (0, 0)))
        for number in range(count)
    ]


def step_s(lasted_s: float) -> float:
    """Return the length of a step: a round one, so that there are at most `MOST` of them."""
    for step in STEPS_S:
        if lasted_s <= step * MOST:
            return float(step)
    return float(STEPS_S[-1] * math.ceil(lasted_s / STEPS_S[-1] / MOST))
