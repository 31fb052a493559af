"""Detect a target that has no calls when it usually has some (row S23): nothing failed, and yet nothing arrives.

The time since its newest call is compared with the same time, on the clock of its own zone, in each of the four weeks before. A holiday
among the four must not hide it, so the week with the fewest calls does not count; a new target has no usual number yet.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from rokuon.domain.placement import zone
from rokuon.ledger import health

WEEKS = 4
AT_LEAST = 6
SHORTEST = timedelta(hours=1)
LONGEST = timedelta(days=7)
"""No longer time is compared: it would overlap with itself a week before."""


def is_odd(usual: Sequence[int]) -> bool:
    """Whether having no call is unusual, given the four weeks before: all but one had at least six."""
    return len(usual) == WEEKS and sorted(usual)[1] >= AT_LEAST


def weeks_before(since: datetime, until: datetime, zone_name: str) -> list[tuple[datetime, datetime]]:
    """Return the same time range by the wall clock, one, two, three and four weeks before."""
    here = zone(zone_name)
    first, last = since.astimezone(here), until.astimezone(here)
    return [(first - timedelta(weeks=back), last - timedelta(weeks=back)) for back in range(1, WEEKS + 1)]


def silent(zones: Mapping[int, str], until: datetime) -> dict[int, datetime]:
    """Return the targets (keys of `zones`, whose values are their zones) that are unusually silent, with the start of the newest call.
    Calls are listed up to `until`. Reads at most six rows of the ledger per target and week."""
    gaps = {}
    for target, last in health.last_calls(list(zones), until).items():
        if until - last >= SHORTEST:
            gaps[target] = last
    # From just after the call: the call at the same time a week before is not part of the silence.
    asked = [
        (target, since, end)
        for target, last in gaps.items()
        for since, end in weeks_before(max(last + timedelta(milliseconds=1), until - LONGEST), until, zones[target])
    ]
    counts = health.calls_in(asked, AT_LEAST)
    usual: dict[int, list[int]] = {}
    for (target, _since, _until), count in zip(asked, counts, strict=True):
        usual.setdefault(target, []).append(count)
    return {target: gaps[target] for target, several in usual.items() if is_odd(several)}
