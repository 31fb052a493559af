"""Enter listed calls and recordings, and freeze bucket and key of each copy before the first byte is fetched (ARCHITECTURE.md).

Everything here may run twice and concurrently: rows are found by the source's ids, and existing rows take precedence.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from rokuon.domain.copies import Cause, State
from rokuon.domain.recording import RecordingKind
from rokuon.domain.retry import History
from rokuon.domain.work import AsideObject, PlannedCall, PlannedCopy, Work

from . import other_parties, transitions
from .sql import IN_OPEN_WINDOW, STOPPED_BY_HOLD, STOPPED_BY_PAUSE, at, columns, execute, fetch, ms

# A copy stays in the bucket where it was first placed (C1); if a recording has a copy for a target in any bucket, it gets no second one.
_COPIES = """
    INSERT INTO ledger_copy (company_id, recording_id, target_id, bucket_id, call_started_at, key, agent, state, attempt, due_at, reason,
                             detail, sha256, version, proof, tries, negatives, created_at, changed_at)
    SELECT %(company)s, r.id, p.target, p.bucket, to_timestamp(p.started / 1000.0), p.key, p.agent,
           CASE WHEN p.excluded = '' THEN 'pending' ELSE 'excluded' END, 0, %(now)s, p.excluded, '', '', '', '', 0, 0, %(now)s,
           %(now)s
      FROM unnest(%(target)s::bigint[], %(bucket)s::bigint[], %(kind)s::text[], %(recording)s::text[], %(started)s::bigint[],
                  %(key)s::text[], %(agent)s::text[], %(excluded)s::text[])
           AS p(target, bucket, kind, recording, started, key, agent, excluded)
      JOIN ledger_recording r ON r.company_id = %(company)s AND r.kind = p.kind AND r.recording_id = p.recording
     WHERE NOT EXISTS (SELECT 1 FROM ledger_copy c WHERE c.recording_id = r.id AND c.target_id = p.target)
     ORDER BY p.target, p.kind, p.recording
        ON CONFLICT DO NOTHING
"""
"""The order is fixed for any query plan: if two copies need the same key, the same one always gets it, and two workers never deadlock."""

AGENT_LENGTH = 200
"""The ledger keeps this many characters of an agent's name: an index entry holds 2,700 bytes, and Dialpad may send a name of any length."""

_WORK_COLUMNS = """
    c.id, c.attempt, r.kind, r.recording_id, r.call_id, r.url, r.duration_ms, c.target_id, c.bucket_id, c.key, c.call_started_at,
    c.tries, c.negatives, c.first_negative_at, c.read_sha256, c.read_at, r.call_ms,
    a.key, a.size, a.sha256, a.crc32c, a.content_type, a.looks
"""


@transaction.atomic
def place(company_id: int, calls: Sequence[PlannedCall], copies: Sequence[PlannedCopy], now: datetime) -> list[Work]:
    """Enter the calls and copies. Return the copies among them that are pending and due, with their frozen keys.

    For a known call or recording only new facts are added: more recordings listed, a newer URL, a duration.
    """
    _enter_calls(calls)
    if not copies:
        return []
    _enter_recordings(company_id, copies)
    other_parties.enter(company_id, copies)
    _insert(company_id, copies, [copy.key for copy in copies], now)
    known = _known(company_id, copies, now)
    # Copies without a row are those whose key belongs to another copy: two kinds of recording with one id in one call.
    present = {(row.work.target_id, row.work.kind, row.work.recording_id) for row in known}
    missing = [copy for copy in copies if (copy.target_id, copy.kind, copy.recording_id) not in present]
    excluded = any(row.state == State.EXCLUDED for row in known)
    if missing:
        _insert(company_id, missing, [copy.spare_key for copy in missing], now)
    if excluded:
        _include_again(company_id, copies, now)
    if missing or excluded:
        known = _known(company_id, copies, now)
    return [row.work for row in known if row.due]


def _enter_calls(calls: Sequence[PlannedCall]) -> None:
    rows = sorted((call.target_id, call.call_id, call.started_ms, call.was_recorded, call.recordings) for call in calls)
    execute(
        """INSERT INTO ledger_call (target_id, call_id, started_at, was_recorded, recordings)
           SELECT DISTINCT ON (t, c) t, c, to_timestamp(s / 1000.0), w, r
             FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bool[], %s::smallint[]) AS x(t, c, s, w, r)
            ORDER BY t, c
               ON CONFLICT (target_id, call_id) DO UPDATE
              SET recordings = GREATEST(ledger_call.recordings, EXCLUDED.recordings),
                  was_recorded = ledger_call.was_recorded OR EXCLUDED.was_recorded
            WHERE ledger_call.recordings < EXCLUDED.recordings OR (EXCLUDED.was_recorded AND NOT ledger_call.was_recorded)""",
        columns(rows, 5),
    )


def _enter_recordings(company_id: int, copies: Sequence[PlannedCopy]) -> None:
    by_identity = {(copy.kind, copy.recording_id): copy for copy in copies}
    rows = [(c.kind, c.recording_id, c.call_id, c.started_ms, c.duration_ms, c.url, c.call_ms) for _, c in sorted(by_identity.items())]
    execute(
        """INSERT INTO ledger_recording (company_id, kind, recording_id, call_id, call_started_at, duration_ms, url, call_ms)
           SELECT %s, k, i, c, to_timestamp(s / 1000.0), d, u, m
             FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[]) AS x(k, i, c, s, d, u, m)
               ON CONFLICT (company_id, kind, recording_id) DO UPDATE
              SET url = COALESCE(NULLIF(EXCLUDED.url, ''), ledger_recording.url),
                  duration_ms = COALESCE(EXCLUDED.duration_ms, ledger_recording.duration_ms),
                  call_ms = GREATEST(EXCLUDED.call_ms, ledger_recording.call_ms)
            WHERE (EXCLUDED.url <> '' AND ledger_recording.url <> EXCLUDED.url)
               OR ledger_recording.duration_ms IS DISTINCT FROM COALESCE(EXCLUDED.duration_ms, ledger_recording.duration_ms)
               OR ledger_recording.call_ms IS DISTINCT FROM GREATEST(EXCLUDED.call_ms, ledger_recording.call_ms)""",
        [company_id, *columns(rows, 7)],
    )


def _insert(company_id: int, copies: Sequence[PlannedCopy], keys: Sequence[str], now: datetime) -> None:
    rows = sorted(
        (c.target_id, c.bucket_id, c.kind, c.recording_id, c.started_ms, key, c.agent[:AGENT_LENGTH], c.excluded)
        for c, key in zip(copies, keys, strict=True)
    )
    names = ("target", "bucket", "kind", "recording", "started", "key", "agent", "excluded")
    execute(_COPIES, {"company": company_id, "now": now, **dict(zip(names, columns(rows, 8), strict=True))})


def _identity(copies: Sequence[PlannedCopy]) -> list[str]:
    return columns([(c.target_id, c.kind, c.recording_id) for c in copies], 3)


def _include_again(company_id: int, copies: Sequence[PlannedCopy], now: datetime) -> None:
    """Send copies that a choice or a rule excluded back to pending, since the choice or rule is back (C7)."""
    wanted = [copy for copy in copies if not copy.excluded]
    targets, kinds, recordings = _identity(wanted)
    transitions.change(
        State.PENDING,
        Cause.RULE,
        "c.recording_id = r.id AND c.target_id = x.t AND c.reason NOT IN ('bucket_changed', 'expired_by_bucket_rule')",
        {"company": company_id, "targets": targets, "kinds": kinds, "recordings": recordings},
        now,
        tables="""unnest(%(targets)s::bigint[], %(kinds)s::text[], %(recordings)s::text[]) AS x(t, k, i)
                  JOIN ledger_recording r ON r.company_id = %(company)s AND r.kind = x.k AND r.recording_id = x.i""",
    )


class _Known(NamedTuple):
    state: str
    due: bool
    work: Work


def _known(company_id: int, copies: Sequence[PlannedCopy], now: datetime) -> list[_Known]:
    """Return the rows of these copies, newest call first; `due` are the pending ones that may be tried now."""
    rows = fetch(
        f"""SELECT DISTINCT {_WORK_COLUMNS}, c.state, c.state = 'pending' AND c.due_at <= %s
              FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS x(t, k, i)
              JOIN ledger_recording r ON r.company_id = %s AND r.kind = x.k AND r.recording_id = x.i
              JOIN ledger_copy c ON c.recording_id = r.id AND c.target_id = x.t
              LEFT JOIN ledger_aside a ON a.id = c.accepted_id
             ORDER BY c.call_started_at DESC, c.id""",  # noqa: S608 (a constant list of columns)
        [now, *_identity(copies), company_id],
    )
    return [_Known(state, due, as_work(row)) for *row, state, due in rows]


def due_in_range(
    company_id: int,
    targets: Sequence[int],
    after: datetime,
    before: datetime,
    now: datetime,
    *,
    past: datetime | None = None,
    beyond: Work | None = None,
    limit: int = 500,
) -> list[Work]:
    """Return pending, due copies of the targets whose calls started in [after, before) and that no open hold stops, those after `beyond`.

    They are ordered by id; with `past` (`domain.expiry`) those that leave the access window next come first.
    """
    which = (
        f"c.target_id = ANY(%(targets)s) AND c.call_started_at >= %(after)s AND c.call_started_at < %(before)s AND NOT {STOPPED_BY_HOLD}"
    )
    return _due(company_id, now, which, {"targets": list(targets), "after": after, "before": before}, past, beyond, limit)


def due_now(company_id: int, now: datetime, *, past: datetime | None = None, beyond: Work | None = None, limit: int = 500) -> list[Work]:
    """Return pending, due copies of a company that no open hold and no pause stops and no open window will process, those after `beyond`;
    in the order of `due_in_range`."""
    which = f"NOT {STOPPED_BY_HOLD} AND NOT ({STOPPED_BY_PAUSE}) AND NOT {IN_OPEN_WINDOW}"
    return _due(company_id, now, which, {}, past, beyond, limit)


def _due(
    company_id: int, now: datetime, which: str, values: dict[str, Any], past: datetime | None, beyond: Work | None, limit: int
) -> list[Work]:
    found: list[Work] = []
    for order, behind, more in _ways(past, beyond):
        rows = fetch(
            f"""SELECT {_WORK_COLUMNS}
                  FROM ledger_copy c JOIN ledger_recording r ON r.id = c.recording_id LEFT JOIN ledger_aside a ON a.id = c.accepted_id
                 WHERE c.company_id = %(company)s AND c.state = 'pending' AND c.due_at <= %(now)s AND {behind} AND {which}
                 ORDER BY {order} LIMIT %(limit)s""",  # noqa: S608 (constant pieces)
            {**values, **more, "company": company_id, "now": now, "limit": limit - len(found)},
        )
        found += [as_work(row) for row in rows]
        if len(found) == limit:
            break
    return found


def _ways(past: datetime | None, beyond: Work | None) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the order of due copies (`domain.expiry.turn`) as consecutive index scans, so that a backlog is never sorted."""
    last: dict[str, Any] = {"at": at(beyond.started_ms), "id": beyond.copy_id} if beyond is not None else {}
    if past is None:
        yield "c.id", "c.id > %(id)s" if beyond is not None else "TRUE", last
        return
    leaving, left = "c.call_started_at > %(past)s", "c.call_started_at <= %(past)s"
    if beyond is None or at(beyond.started_ms) > past:
        behind = f"{leaving} AND (c.call_started_at, c.id) > (%(at)s, %(id)s)" if beyond is not None else leaving
        yield "c.call_started_at, c.id", behind, {"past": past, **last}
        yield "c.call_started_at DESC, c.id", left, {"past": past}
    else:
        behind = f"{left} AND c.call_started_at <= %(at)s AND (c.call_started_at < %(at)s OR c.id > %(id)s)"
        yield "c.call_started_at DESC, c.id", behind, {"past": past, **last}


def held(company_id: int, on: str, ref: str, limit: int, probes: int) -> list[Work]:
    """Return a few pending copies that a hold on a kind or a bucket stops, for a probe to try. The first probes use the newest calls; later
    ones use any, or a few copies with a fault of their own would keep the hold open forever."""
    column = {"kind": "r.kind", "bucket": "c.bucket_id::text"}[on]
    rows = fetch(
        f"""SELECT {_WORK_COLUMNS}
              FROM ledger_copy c JOIN ledger_recording r ON r.id = c.recording_id LEFT JOIN ledger_aside a ON a.id = c.accepted_id
             WHERE c.company_id = %s AND c.state = 'pending' AND {column} = %s
             ORDER BY CASE WHEN %s > 2 THEN md5(c.id || ' ' || %s) ELSE '' END, c.call_started_at DESC, c.id
             LIMIT %s""",  # noqa: S608 (constant names of columns)
        [company_id, ref, probes, probes, limit],
    )
    return [as_work(row) for row in rows]


def as_work(row: Sequence[Any]) -> Work:
    """Convert a row of `_WORK_COLUMNS`."""
    copy_id, attempt, kind, recording_id, call_id, url, duration_ms, target_id, bucket_id, key, started_at, *history = row
    tries, negatives, first_negative_at, read_sha256, read_at, call_ms, *aside = history
    return Work(
        copy_id=copy_id,
        attempt=attempt,
        kind=RecordingKind(kind),
        recording_id=recording_id,
        call_id=call_id,
        url=url,
        duration_ms=duration_ms,
        target_id=target_id,
        bucket_id=bucket_id,
        key=key,
        started_ms=ms(started_at),
        history=History(
            tries,
            negatives,
            ms(first_negative_at) if first_negative_at else None,
            read_sha256=read_sha256,
            read_ms=ms(read_at) if read_at else None,
        ),
        call_ms=call_ms,
        accepted=AsideObject(*aside) if aside[0] is not None else None,
    )
