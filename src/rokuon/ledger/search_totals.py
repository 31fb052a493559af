"""Totals of a search over the copies: their number, and the size and length of the verified ones."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rokuon.domain.copies import State

from . import search, tally
from .models import Copy
from .search import WALKS, CopyFilters, Within, copies_of_walk, query_of, walks_of
from .sql import fetch

MOST = 10_000
"""At most this many copies are read one by one."""


@dataclass(frozen=True, slots=True)
class SearchTotals:
    """Copies of a search; `bytes` and `recorded_ms` of the verified ones among them. With `more` there are more than `copies`."""

    copies: int
    bytes: int
    recorded_ms: int
    more: bool = False

    @property
    def length_s(self) -> float:
        return self.recorded_ms / 1000


def totals(company_id: int, within: Sequence[Within], filters: CopyFilters, most: int = MOST) -> SearchTotals:
    """Return the totals of a search. By target, days and state they are read from the tally, however many copies there are; with another
    filter at most `most` copies are counted."""
    if filters == CopyFilters(state=filters.state):
        return _tallied(company_id, within, filters.state)
    query = query_of(company_id, within, filters)
    if query is None:
        return SearchTotals(0, 0, 0)
    ((copies, size, recorded),) = fetch(
        f"""SELECT count(*), COALESCE(sum(f.size) FILTER (WHERE f.state = 'verified'), 0)::bigint,
                   COALESCE(sum(f.audio_ms) FILTER (WHERE f.state = 'verified'), 0)::bigint
              FROM (SELECT c.state, c.size, c.audio_ms FROM {WALKS} JOIN ledger_copy c ON {copies_of_walk(query)} LIMIT %(most)s)
                   AS f""",  # noqa: S608 (constant pieces)
        {**walks_of(query), **query.values, "company": company_id, "most": most + 1},
    )
    cut = len(query.values.get("recordings", ())) >= search.MOST_IDS
    return SearchTotals(min(copies, most), size, recorded, more=copies > most or cut)


def totals_of(copies: Sequence[Copy]) -> SearchTotals:
    """Return the totals of copies that are already read: those of a search with a single page."""
    proven = [copy for copy in copies if copy.state == State.VERIFIED]
    return SearchTotals(len(copies), sum(copy.size or 0 for copy in proven), sum(copy.audio_ms or 0 for copy in proven))


def _tallied(company_id: int, within: Sequence[Within], state: str) -> SearchTotals:
    by_time: dict[tuple[datetime | None, datetime | None], list[int]] = defaultdict(list)
    for one in within:
        by_time[one.since, one.until].append(one.target_id)
    counts = tally.Counts()
    for (since, until), targets in by_time.items():
        counts = sum(tally.counts_by_target(company_id, targets, since, until).values(), counts)
    copies = getattr(counts, state) if state else counts.discovered
    proven = state in ("", State.VERIFIED)
    return SearchTotals(copies, counts.bytes if proven else 0, counts.recorded_ms if proven else 0)
