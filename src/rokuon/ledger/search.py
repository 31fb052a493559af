"""Search over the copies: filters, newest call first, with paging in both directions; every page takes the same time.

`within` is both the person's choice and the limit of what they may see: the targets, each with a range of time. Nothing outside it is
read. A page is found by scanning an index for each target (and agent, or state with reason) and merging the first few of each, so that
a filter that matches nothing costs no more than one that matches everything (docs/design/ledger.md, Search).
"""

import base64
import struct
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rokuon.domain.copies import State

from .models import Copy
from .next_try import QUEUED
from .sql import columns, fetch

PAGE = 50
NARROW, NARROWER = 400, 20
"""Up to this many pairs of target and agent are scanned separately; a part of a name that matches more is hardly a filter. The smaller
limit applies if the filter also names a rare state or a reason, since then whole scans are read for few matches."""

_REASONED = [state.value for state in State if state is not State.VERIFIED]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CONDITIONS = {
    "state": "c.state = %(state)s",
    "reason": "c.reason = %(reason)s",
    "recordings": "c.recording_id = ANY(%(recordings)s)",
    "agents": "c.agent = ANY(%(agents)s)",
    "proof": "c.proof = %(proof)s AND c.proof IN ('read_twice', 'read_apart', 'accepted')",
    "queued": "c.state = 'pending' AND c.reason = ''",
}
_CURSOR = struct.Struct(">?qq")


@dataclass(frozen=True, slots=True)
class Within:
    """Copies of one target whose calls started in [since, until); None leaves that end open."""

    target_id: int
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class CopyFilters:
    """Filters of a search; an empty one does not filter. The reason `next_try.QUEUED` matches pending copies without a reason. `agent` is a
    part of the name, in any case and width; ids must be complete. `proof`: only copies with this weaker proof (row S10)."""

    state: str = ""
    reason: str = ""
    agent: str = ""
    call_id: str = ""
    recording_id: str = ""
    proof: str = ""


@dataclass(frozen=True, slots=True)
class CopyPage:
    """A page of results. `newer` and `older` are cursors of the neighbouring pages, "" if there is none."""

    copies: list[Copy]
    newer: str = ""
    older: str = ""


@dataclass(frozen=True, slots=True)
class _Cursor:
    """The copy next to which a page begins, and the side of it."""

    older: bool
    started_at: datetime
    copy_id: int


@dataclass(frozen=True, slots=True)
class _Query:
    """Index scans, one per row: target, times and the word that `match` compares. `values` belong to `_CONDITIONS`."""

    walks: list[tuple[Any, ...]]
    match: str
    values: dict[str, Any]


def find(company_id: int, within: Sequence[Within], filters: CopyFilters, cursor: str = "", limit: int = PAGE) -> CopyPage:
    """Return a page of copies, with `recording` and `bucket` loaded. Raises ValueError for an invalid cursor."""
    place = _read_cursor(cursor) if cursor else None
    older = place is None or place.older
    query = _query(company_id, within, filters)
    ids = _ids(company_id, query, place, older, limit + 1) if query else []
    more = len(ids) > limit
    found = Copy.objects.select_related("recording", "bucket").in_bulk(ids[:limit])
    copies = [found[one] for one in ids[:limit] if one in found]
    if not copies:
        return CopyPage([])
    if not older:
        copies.reverse()
    return CopyPage(
        copies,
        newer=_cursor(copies[0], older=False) if (place is not None if older else more) else "",
        older=_cursor(copies[-1], older=True) if (more if older else True) else "",
    )


def agents(targets: Sequence[int], part: str) -> list[tuple[int, str]]:
    """Return pairs of target and agent whose name contains this part, in any case and width.

    The database steps from name to name along an index, in about 12 µs each; comparing in Python needs no database extension.
    """
    sought = _folded(part)
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
    return [(target, agent) for target, agent in rows if sought in _folded(agent)]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _query(company_id: int, within: Sequence[Within], filters: CopyFilters) -> _Query | None:
    """Return the scans that read the fewest copies; None if nothing can be found."""
    values: dict[str, Any] = {name: value for name, value in (("state", filters.state), ("reason", filters.reason)) if value}
    if queued := filters.reason == QUEUED:
        del values["reason"]
        values["queued"] = True
    rare = bool(filters.reason) or filters.state not in ("", State.VERIFIED)
    if filters.proof:
        values["proof"] = filters.proof
    if filters.call_id or filters.recording_id:
        values["recordings"] = _recordings(company_id, filters)
    if filters.agent:
        pairs = agents([one.target_id for one in within], filters.agent)
        if len(pairs) <= (NARROWER if rare else NARROW):
            times = {one.target_id: one for one in within}
            return _walk([(times[target], agent) for target, agent in pairs], "c.agent = w.word", values)
        values["agents"] = list({agent for _, agent in pairs})
    if filters.reason and not queued:
        states = [filters.state] if filters.state else _REASONED
        return _walk([(one, state) for one in within for state in states], "c.state = w.word", values)
    return _walk([(one, "") for one in within], "true", values)


def _walk(walks: Sequence[tuple[Within, str]], match: str, values: dict[str, Any]) -> _Query | None:
    if not walks or [] in values.values():
        return None
    return _Query([(one.target_id, one.since or "-infinity", one.until or "infinity", word) for one, word in walks], match, values)


def _recordings(company_id: int, filters: CopyFilters) -> list[int]:
    rows = fetch(
        """SELECT id FROM ledger_recording
            WHERE company_id = %(company)s AND (%(call)s = '' OR call_id = %(call)s)
              AND (%(recording)s = '' OR (recording_id = %(recording)s AND kind = ANY('{callrecording,admincallrecording,voicemail}')))""",
        {"company": company_id, "call": filters.call_id, "recording": filters.recording_id},
    )
    return [row[0] for row in rows]


def _ids(company_id: int, query: _Query, place: _Cursor | None, older: bool, limit: int) -> list[int]:
    order = "DESC" if older else "ASC"
    beside = "" if place is None else f" AND (c.call_started_at, c.id) {'<' if older else '>'} (%(at)s, %(id)s)"
    conditions = "".join(f" AND {_CONDITIONS[name]}" for name in query.values)
    walks = dict(zip(("targets", "since", "until", "words"), columns(query.walks, 4), strict=True))
    rows = fetch(
        f"""SELECT f.id
              FROM unnest(%(targets)s::bigint[], %(since)s::timestamptz[], %(until)s::timestamptz[], %(words)s::text[])
                   AS w(target, since, until, word)
              JOIN org_target t ON t.id = w.target AND t.company_id = %(company)s,
                   LATERAL (SELECT c.id, c.call_started_at FROM ledger_copy c
                             WHERE c.target_id = t.id AND {query.match} AND c.call_started_at >= w.since AND c.call_started_at < w.until
                                   {conditions}{beside}
                             ORDER BY c.call_started_at {order}, c.id {order} LIMIT %(limit)s) AS f
             ORDER BY f.call_started_at {order}, f.id {order} LIMIT %(limit)s""",  # noqa: S608 (constant pieces)
        {**walks, **query.values, "company": company_id, "limit": limit, "at": place and place.started_at, "id": place and place.copy_id},
    )
    return [row[0] for row in rows]


def _cursor(copy: Copy, *, older: bool) -> str:
    microseconds = (copy.call_started_at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(_CURSOR.pack(older, microseconds, copy.pk)).rstrip(b"=").decode()


def _read_cursor(text: str) -> _Cursor:
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if len(data) != _CURSOR.size:
        raise ValueError("not a cursor")
    older, microseconds, copy_id = _CURSOR.unpack(data)
    try:
        return _Cursor(older, _EPOCH + timedelta(microseconds=microseconds), copy_id)
    except OverflowError:
        raise ValueError("not a cursor") from None


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
