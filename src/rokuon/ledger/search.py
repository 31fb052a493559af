"""Search over the copies: filters and orders, with paging in both directions; every page takes the same time.

`within` is both the person's choice and the limit of what they may see: the targets, each with a range of time. Nothing outside it is
read. A page is found by scanning an index for each target (and agent, or state with reason) and merging the first few of each, so that
a filter that matches nothing costs no more than one that matches everything (docs/design/ledger.md, Search).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rokuon.domain import names
from rokuon.domain.copies import State

from . import search_order
from .models import Copy
from .next_try import QUEUED
from .search_order import LARGEST, LONGEST, NEWEST, SearchCursor, SearchOrder
from .sql import columns, fetch

PAGE = 50
NARROW, NARROWER = 400, 20
"""Up to this many pairs of target and agent are scanned separately; a part of a name that matches more is hardly a filter. The smaller
limit applies if the filter also names a rare state or a reason, since then whole scans are read for few matches."""

_REASONED = [state.value for state in State if state is not State.VERIFIED]
MOST_IDS = 2_000
"""Of a number with more recordings, those that were entered last are found."""

_CONDITIONS = {
    "state": "c.state = %(state)s",
    "reason": "c.reason = %(reason)s",
    "recordings": "c.recording_id = ANY(%(recordings)s)",
    "agents": "c.agent = ANY(%(agents)s)",
    "agents_unindexed": "c.agent || '' = ANY(%(agents)s)",
    "proof": "c.proof = %(proof)s AND c.proof IN ('read_twice', 'read_apart', 'accepted')",
    "queued": "c.state = 'pending' AND c.reason = ''",
    "copies": "c.id = ANY(%(copies)s)",
}


@dataclass(frozen=True, slots=True)
class Within:
    """Copies of one target whose calls started in [since, until); None leaves that end open."""

    target_id: int
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CopyFilters:
    """Filters of a search; an empty one does not filter. The reason `next_try.QUEUED` matches pending copies without a reason. `agent`
    are parts of the name (`domain.names`); ids must be complete. `proof`: only copies with this weaker proof (row S10). `number` is the
    hash of the other party's number (`domain.other_party`). `copies` are the ids of the only copies to search; None for all."""

    state: str = ""
    reason: str = ""
    agent: str = ""
    call_id: str = ""
    recording_id: str = ""
    proof: str = ""
    number: str = ""
    copies: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class CopyPage:
    """A page of results. `newer` and `older` are cursors of the pages before and after it, "" if there is none."""

    copies: list[Copy]
    newer: str = ""
    older: str = ""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """Index scans, one per row: target, times and the word that `match` compares. `values` belong to `_CONDITIONS`."""

    walks: list[tuple[Any, ...]]
    match: str
    values: dict[str, Any]
    timed: bool


def find(
    company_id: int, within: Sequence[Within], filters: CopyFilters, cursor: str = "", limit: int = PAGE, order: SearchOrder = NEWEST
) -> CopyPage:
    """Return a page of copies, with `recording` and `bucket` loaded. Raises ValueError for an invalid cursor."""
    place = search_order.read(cursor, order) if cursor else None
    forward = place is None or place.forward
    query = query_of(company_id, within, filters, order)
    ids = _ids(company_id, query, order, place, forward, limit + 1) if query else []
    more = len(ids) > limit
    found = Copy.objects.select_related("recording", "bucket").in_bulk(ids[:limit])
    copies = [found[one] for one in ids[:limit] if one in found]
    if not copies:
        return CopyPage([])
    if not forward:
        copies.reverse()
    return CopyPage(
        copies,
        newer=search_order.beside(copies[0], order, forward=False) if (place is not None if forward else more) else "",
        older=search_order.beside(copies[-1], order, forward=True) if (more if forward else True) else "",
    )


def agents(targets: Sequence[int], part: str) -> list[tuple[int, str]]:
    """Return pairs of target and agent whose name contains each word of this part, compared by `domain.names`.

    The database steps from name to name along an index, in about 12 µs each; comparing in Python needs no database extension.
    """
    rows = fetch(
        """SELECT t, a.agent FROM unnest(%s::bigint[]) AS t, LATERAL (
               WITH RECURSIVE step AS (
                   (SELECT agent FROM ledger_copy WHERE target_id = t ORDER BY agent LIMIT 1)
                   UNION ALL
                   SELECT (SELECT c.agent FROM ledger_copy c WHERE c.target_id = t AND c.agent > step.agent ORDER BY c.agent LIMIT 1)
                     FROM step WHERE step.agent IS NOT NULL)
               SELECT agent FROM step WHERE agent IS NOT NULL) AS a""",
        [list(targets)],
    )
    return [(target, agent) for target, agent in rows if names.fits(part, agent)]


def query_of(company_id: int, within: Sequence[Within], filters: CopyFilters, order: SearchOrder = NEWEST) -> SearchQuery | None:
    """Return the scans that read the fewest copies; None if nothing can be found."""
    values: dict[str, Any] = {name: value for name, value in (("state", filters.state), ("reason", filters.reason)) if value}
    if queued := filters.reason == QUEUED:
        del values["reason"]
        values["queued"] = True
    rare = bool(filters.reason) or filters.state not in ("", State.VERIFIED)
    if filters.proof:
        values["proof"] = filters.proof
    if filters.copies is not None:
        values["copies"] = list(filters.copies)
    if filters.call_id or filters.recording_id or filters.number:
        values["recordings"] = _recordings(company_id, filters)
    if filters.agent:
        pairs = agents([one.target_id for one in within], filters.agent)
        if len(pairs) <= (NARROWER if rare or order in (LONGEST, LARGEST) else NARROW):
            times = {one.target_id: one for one in within}
            return _walk([(times[target], agent) for target, agent in pairs], "c.agent = w.word", values)
        values["agents"] = list({agent for _, agent in pairs})
    if filters.reason and not queued:
        states = [filters.state] if filters.state else _REASONED
        return _walk([(one, state) for one in within for state in states], "c.state = w.word", values)
    return _walk([(one, "") for one in within], "true", values)


def _walk(walks: Sequence[tuple[Within, str]], match: str, values: dict[str, Any]) -> SearchQuery | None:
    if not walks or [] in values.values():
        return None
    timed = any(one.since or one.until for one, _word in walks)
    rows = [(one.target_id, one.since or "-infinity", one.until or "infinity", word) for one, word in walks]
    return SearchQuery(rows, match, values, timed)


def _recordings(company_id: int, filters: CopyFilters) -> list[int]:
    """Return the row ids of the recordings with these ids and this number: the newest rows, at most `MOST_IDS`."""
    wanted = {
        "call": (filters.call_id, "r.call_id = %(call)s"),
        "recording": (
            filters.recording_id,
            "r.recording_id = %(recording)s AND r.kind = ANY('{callrecording,admincallrecording,voicemail}')",
        ),
        "number": (
            filters.number,
            "r.id IN (SELECT o.recording_id FROM ledger_otherparty o WHERE o.company_id = %(company)s AND o.number_hash = %(number)s"
            " AND o.number_hash <> '')",
        ),
    }
    asked = {name: value for name, (value, _) in wanted.items() if value}
    conditions = "".join(f" AND {wanted[name][1]}" for name in asked)
    rows = fetch(
        f"SELECT r.id FROM ledger_recording r WHERE r.company_id = %(company)s{conditions} ORDER BY r.id DESC LIMIT %(most)s",  # noqa: S608
        {"company": company_id, "most": MOST_IDS, **asked},
    )
    return [row[0] for row in rows]


def walks_of(query: SearchQuery) -> dict[str, Any]:
    """Return the parameters of `WALKS`."""
    return dict(zip(("targets", "since", "until", "words"), columns(query.walks, 4), strict=True))


WALKS = """unnest(%(targets)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[], %(words)s::text[])
                   AS w(target, since, until, word)
              JOIN org_target t ON t.id = w.target AND t.company_id = %(company)s"""
"""The walks `w`, and the target `t` of each, if it belongs to the company."""


def copies_of_walk(query: SearchQuery, order: SearchOrder = NEWEST) -> str:
    """Return the condition that a copy `c` belongs to the walk `w` of this query, for a walk in this order."""
    # Many names are no reason to leave the index of an order by length or size: sorting all their copies takes longer.
    names = ("agents_unindexed" if name == "agents" and order in (LONGEST, LARGEST) else name for name in query.values)
    conditions = "".join(f" AND {_CONDITIONS[name]}" for name in names)
    # Without a range, its condition would only make the planner expect few rows, and sort them instead of walking the order's index.
    times = " AND c.call_started_at >= w.since AND c.call_started_at < w.until" if query.timed else ""
    return f"c.target_id = t.id AND {query.match}{times}{conditions}"


def _ids(company_id: int, query: SearchQuery, order: SearchOrder, place: SearchCursor | None, forward: bool, limit: int) -> list[int]:
    beside = "" if place is None else f" AND {order.beside(forward=forward)}"
    values = {**walks_of(query), **query.values, **(place.values(order) if place else {}), "company": company_id, "limit": limit}
    if query.values.keys() & {"recordings", "copies"}:
        rows = fetch(
            f"""SELECT c.id FROM {WALKS} JOIN ledger_copy c ON {copies_of_walk(query)}{beside}
                 ORDER BY {order.sql(forward=forward)} LIMIT %(limit)s""",  # noqa: S608 (constant pieces)
            values,
        )
        return [row[0] for row in rows]
    names = tuple(f"k{number}" for number in range(len(order.by)))
    keys = ", ".join(f"{one} AS {name}" for one, name in zip(order.by, names, strict=True))
    rows = fetch(
        f"""SELECT f.{names[-1]}
              FROM {WALKS},
                   LATERAL (SELECT {keys} FROM ledger_copy c
                             WHERE {copies_of_walk(query, order)}{beside}
                             ORDER BY {order.sql(forward=forward)} LIMIT %(limit)s) AS f
             ORDER BY {order.sql(forward=forward, names=tuple(f"f.{name}" for name in names))} LIMIT %(limit)s""",  # noqa: S608
        values,
    )
    return [row[0] for row in rows]


def reasons(targets: Sequence[int]) -> list[str]:
    """Return every reason that a copy of these targets has now, sorted, as choices for a filter."""
    rows = fetch(
        """SELECT DISTINCT r.reason FROM unnest(%s::bigint[]) AS t, LATERAL (
               WITH RECURSIVE step AS (
                   (SELECT reason FROM ledger_copy WHERE target_id = t AND reason <> '' ORDER BY reason LIMIT 1)
                   UNION ALL
                   SELECT (SELECT c.reason FROM ledger_copy c
                            WHERE c.target_id = t AND c.reason <> '' AND c.reason > step.reason ORDER BY c.reason LIMIT 1)
                     FROM step WHERE step.reason IS NOT NULL)
               SELECT reason FROM step WHERE reason IS NOT NULL) AS r ORDER BY 1""",
        [list(targets)],
    )
    return [row[0] for row in rows]
