"""State changes of copies. Only this module changes a copy's state, as the table in `domain.copies` allows for the cause.

Every change is one conditional update: it names the states that it may start from. A change by people, runs or settings increments the
attempt, and so invalidates the outcome of a worker that read the copy before; a worker's outcome names the attempt that it read.

To add a cause, add a member of `Cause` and its entries in the table; this module does not change.

`which` is an SQL condition on the copy `c`. It must itself restrict the company or the targets.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rokuon.domain.copies import COUNTS_ANEW, Cause, State, may_move, origins
from rokuon.domain.work import Outcome

from . import proofs
from .sql import LAST_GIVEN_UP, columns, execute, fetch


class TransitionRefused(ValueError):
    """The table has no such transition. This is a mistake in the calling code, and nothing was written."""


def statement(after: State, cause: Cause, which: str, *, tables: str = "", reason: str = "%(reason)s", also: str = "") -> str:
    """Return the UPDATE that moves the copies `c` that match `which` to `after` and returns their id, recording_id and target_id.

    For use as a part of a longer statement; other callers use `change`. In SQL: `tables` is what follows FROM, `reason` the reason of
    copies that are not pending afterwards, `also` a further assignment. Its parameters are `now` and those that these name. Raises
    TransitionRefused.
    """
    allowed = origins(after, cause)
    if not allowed:
        raise TransitionRefused(f"no copy becomes {after} because of {cause}")
    before = ", ".join(f"'{state}'" for state in sorted(allowed))
    if after is State.PENDING:
        counts = "tries = 0, negatives = 0, first_negative_at = NULL, " if cause in COUNTS_ANEW else ""
        there = f"due_at = %(now)s, reason = '', detail = '', {counts}"
    else:
        there = f"due_at = NULL, reason = {reason}, "
    return f"""
        UPDATE ledger_copy c
           SET state = '{after}', attempt = c.attempt + 1, {there}{f"{also}, " if also else ""}changed_at = %(now)s
          {f"FROM {tables}" if tables else ""}
         WHERE c.state IN ({before}) AND ({which})
     RETURNING c.id, c.recording_id, c.target_id"""  # noqa: S608 (words of the table, and the caller's constant pieces)


def change(
    after: State, cause: Cause, which: str, values: Mapping[str, Any], now: datetime, *, reason: str = "", tables: str = "", also: str = ""
) -> list[int]:
    """Move every copy that matches to `after`, and return the ids of those that changed. Raises TransitionRefused."""
    return [row[0] for row in fetch(statement(after, cause, which, tables=tables, also=also), {**values, "now": now, "reason": reason})]


def give_up_again(state: State, which: str, values: Mapping[str, Any], now: datetime, *, tables: str = "") -> list[int]:
    """Move the pending copies that match and were last `state` (failed or gone) back to it, with their earlier reason, because a person
    ended the run that tried them again. Return their ids."""
    change_back = statement(
        state,
        Cause.CANCEL,
        f"({which}) AND split_part({LAST_GIVEN_UP}, ' ', 1) = %(state)s",
        tables=tables,
        reason=f"split_part({LAST_GIVEN_UP}, ' ', 2)",
    )
    return [row[0] for row in fetch(change_back, {**values, "now": now, "state": state.value})]


def locked(which: str, values: Mapping[str, Any]) -> list[int]:
    """Lock the copies that match and return their ids; no other transaction changes or closes them before this one ends.

    For changes that leave out closed copies: only a later statement sees a closing that was made while this one waited.
    """
    rows = fetch(f"SELECT c.id FROM ledger_copy c WHERE {which} ORDER BY c.id FOR NO KEY UPDATE", dict(values))  # noqa: S608 (as above)
    return [row[0] for row in rows]


def make_due(which: str, values: Mapping[str, Any], now: datetime) -> int:
    """Make waiting copies due now, and return their number. This is no change of state: their tries, reason and attempt stay, so that they
    fail when their time is over, and the outcome of a copy in flight stays valid."""
    return execute(
        f"UPDATE ledger_copy c SET due_at = %(now)s WHERE c.state = 'pending' AND c.due_at > %(now)s AND ({which})",  # noqa: S608 (as above)
        {**values, "now": now},
    )


def read_from(asides: Sequence[int]) -> None:
    """Make the next try of each copy read the object kept aside (ids of `ledger_aside`) instead of the source."""
    execute("UPDATE ledger_copy c SET accepted_id = a.id FROM ledger_aside a WHERE a.copy_id = c.id AND a.id = ANY(%s)", [list(asides)])


def read_from_source(copies: Sequence[int]) -> None:
    """Make the next try of these copies read the source again if audio kept aside had been accepted."""
    execute(
        "UPDATE ledger_copy SET accepted_id = NULL WHERE id = ANY(%s) AND accepted_id IS NOT NULL AND state <> 'verified'", [list(copies)]
    )


_ENTER = """
    UPDATE ledger_copy c
       SET state = x.state,
           attempt = c.attempt + x.spent,
           due_at = CASE WHEN x.state = 'pending' THEN %(now)s + make_interval(secs => x.due_in) ELSE NULL END,
           reason = x.reason, detail = x.detail,
           tries = c.tries + x.spent, negatives = c.negatives + x.negative::int,
           first_negative_at = CASE WHEN x.negative THEN COALESCE(c.first_negative_at, %(now)s) ELSE c.first_negative_at END,
           size = COALESCE(x.size, c.size), sha256 = COALESCE(NULLIF(x.sha256, ''), c.sha256), crc32c = COALESCE(x.crc32c, c.crc32c),
           version = COALESCE(NULLIF(x.version, ''), c.version), md5 = COALESCE(NULLIF(x.md5, ''), c.md5),
           proof = COALESCE(NULLIF(x.proof, ''), c.proof),
           audio_ms = COALESCE(x.audio_ms, c.audio_ms), facts = COALESCE(NULLIF(x.facts, '')::jsonb, c.facts),
           read_at = CASE WHEN x.read_sha256 IN ('', c.read_sha256) THEN c.read_at ELSE %(now)s END,
           read_sha256 = COALESCE(NULLIF(x.read_sha256, ''), c.read_sha256),
           given_up = CASE WHEN x.state = 'verified' THEN '{}'
                           WHEN x.state IN ('failed', 'gone')
                           THEN array_append(array_remove(c.given_up, x.state || ' ' || x.reason), x.state || ' ' || x.reason)
                           ELSE c.given_up END,
           changed_at = %(now)s
      FROM unnest(%(id)s::bigint[], %(seen_state)s::text[], %(attempt)s::int[], %(state)s::text[], %(reason)s::text[], %(detail)s::text[],
                  %(spent)s::int[], %(due_in)s::float8[], %(negative)s::bool[], %(size)s::bigint[], %(sha256)s::text[],
                  %(crc32c)s::bigint[], %(version)s::text[], %(md5)s::text[], %(proof)s::text[], %(audio_ms)s::bigint[],
                  %(facts)s::text[], %(read_sha256)s::text[])
           AS x(id, seen_state, attempt, state, reason, detail, spent, due_in, negative, size, sha256, crc32c, version, md5, proof,
                audio_ms, facts, read_sha256)
     WHERE c.id = x.id AND c.state = x.seen_state AND c.attempt = x.attempt
 RETURNING c.id
"""
_NAMES = (
    "id", "seen_state", "attempt", "state", "reason", "detail", "spent", "due_in", "negative", "size", "sha256", "crc32c", "version",
    "md5", "proof", "audio_ms", "facts", "read_sha256",
)  # fmt: skip


def enter(rows: Sequence[tuple[Outcome, str, int]], cause: Cause, now: datetime) -> set[int]:
    """Write outcomes, each for the copy as it was seen (its state and attempt). Return the ids of those that had not changed.

    Raises TransitionRefused if the table does not allow `cause` to lead from a seen state to its outcome; then nothing is written.
    """
    for outcome, seen, _attempt in rows:
        if not may_move(State(seen), State(outcome.state), cause):
            raise TransitionRefused(f"no copy that is {seen} becomes {outcome.state} because of {cause}")
    if not rows:
        return set()
    values = sorted(
        (
            (o.copy_id, seen_state, attempt, o.state, o.reason, o.detail[:500], int(o.spent), float(o.due_in_s), o.negative, o.size,
             o.sha256, o.crc32c, o.version, o.md5, o.proof, o.audio_ms, proofs.kept(o.facts), o.read_sha256)
            for o, seen_state, attempt in rows
        ),
        key=lambda row: row[0],
    )  # fmt: skip
    found = fetch(_ENTER, {"now": now, **dict(zip(_NAMES, columns(values, len(_NAMES)), strict=True))})
    return {row[0] for row in found}


def reset_due_times(latest: datetime, now: datetime) -> int:
    """Make copies whose next try is after `latest` due now, because no regular wait is that long. Return their number."""
    return execute("UPDATE ledger_copy SET due_at = %s WHERE state = 'pending' AND due_at > %s", [now, latest])


def note_versions(rows: Sequence[tuple[int, int, str]]) -> set[int]:
    """Enter the identifier under which the store has the same bytes now; each row is id, attempt and version. This is no change of state,
    so `changed_at` stays. Return the ids of the copies that are verified and had this attempt."""
    found = fetch(
        """UPDATE ledger_copy c SET version = x.version
             FROM unnest(%s::bigint[], %s::int[], %s::text[]) AS x(id, attempt, version)
            WHERE c.id = x.id AND c.attempt = x.attempt AND c.state = 'verified' RETURNING c.id""",
        columns(rows, 3),
    )
    return {row[0] for row in found}


def rename(rows: Sequence[tuple[int, str, str]]) -> int:
    """Change the keys of copies without a stored object; each row is id, old key, new key. This is no change of state, so `changed_at`
    stays. Return the number of changed copies."""
    return execute(
        """UPDATE ledger_copy c SET key = x.wanted
             FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS x(id, key, wanted)
            WHERE c.id = x.id AND c.key = x.key AND c.state <> 'verified'""",
        columns(rows, 3),
    )
