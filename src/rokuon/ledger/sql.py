"""SQL helpers of the ledger: batches as one array per column, times, and shared conditions."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[str]:
    """Turn rows into one array literal per column, `width` empty ones for no rows. Statements cast each: `%s::bigint[]`.

    The literals are text instead of lists: the driver would adapt a list value by value, at several times the cost.
    """
    turned = [_array(column) for column in zip(*rows, strict=True)]
    return turned or ["{}"] * width


def _array(values: Iterable[Any]) -> str:
    return "{" + ",".join(["NULL" if value is None else _element(value) for value in values]) + "}"


def _element(value: Any) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)


def fetch(sql: str, params: Sequence[Any] | dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def execute(sql: str, params: Sequence[Any] | dict[str, Any]) -> int:
    """Run a statement and return the number of rows that it changed."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        changed: int = cursor.rowcount
        return changed


@contextmanager
def one_moment() -> Iterator[None]:
    """Let all statements inside, which must only read, see the database as of one moment. Within an outer transaction, its isolation
    level stays."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", [])
        yield


def at(ms: int) -> datetime:
    """Convert epoch milliseconds to an aware UTC time, exact to the millisecond."""
    seconds, rest = divmod(ms, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def ms(when: datetime) -> int:
    """Convert an aware time to epoch milliseconds, cut below the millisecond."""
    return int(when.timestamp() // 1) * 1000 + when.microsecond // 1000


NAMED_BY_HOLD = """
    h.company_id = c.company_id
    AND ((h.on = 'bucket' AND h.ref = c.bucket_id::text)
         OR (c.accepted_id IS NULL AND (h.on = 'source' OR (h.on = 'kind' AND h.ref = r.kind))))
"""
"""The hold `h`, open or lifted, names this copy `c` of recording `r`. A copy whose audio kept aside was accepted needs no source."""

STOPPED_BY_HOLD = f"EXISTS (SELECT 1 FROM ledger_hold h WHERE h.lifted_at IS NULL AND {NAMED_BY_HOLD})"  # noqa: S608 (constant pieces)
"""An open hold names this copy `c` of recording `r`."""

CLOSED = "EXISTS (SELECT 1 FROM ledger_closing k WHERE k.copy_id = c.id AND k.at >= c.changed_at)"
"""A closing explains this failed or gone copy `c`, and the copy is unchanged since."""

BY_INVENTORY = "starts_with(c.reason, 'inventory_')"
"""This failed copy `c` was verified, and an inventory found its object changed or missing. Only a person sends it back."""

LAST_GIVEN_UP = "c.given_up[cardinality(c.given_up)]"
"""Why this copy `c` was last failed or gone, as "state reason"; NULL if it never was."""

IN_OPEN_WINDOW = """
    EXISTS (SELECT 1 FROM ledger_window w JOIN ledger_run u ON u.id = w.run_id
             WHERE u.company_id = c.company_id AND u.state = 'running' AND w.state IN ('waiting', 'queued')
               AND c.call_started_at >= w.after AND c.call_started_at < w.before AND w.targets @> to_jsonb(c.target_id))
"""
"""A window of a running run will process this copy `c`: no other job takes it in the meantime."""

UNNAMED = """
    (k.was_recorded AND k.recordings = 0 AND NOT EXISTS (SELECT 1 FROM ledger_callclosing x WHERE x.call_id = k.id))
"""
"""This call `k` was recorded, no recording is listed for it, and no person has explained it."""

LISTS_FOR = "EXISTS (SELECT 1 FROM jsonb_array_elements_text(w.targets) t WHERE t::bigint = ANY(%(within)s))"
"""This window `w` is listed for one of the targets `within`."""

STOPPED_BY_PAUSE = """
    EXISTS (SELECT 1 FROM ledger_run u
             WHERE u.company_id = c.company_id AND u.state = 'paused' AND u.targets @> to_jsonb(c.target_id)
               AND c.call_started_at >= u.since AND c.call_started_at < u.until)
    AND NOT EXISTS (SELECT 1 FROM ledger_run u
                     WHERE u.company_id = c.company_id AND u.state = 'running' AND u.targets @> to_jsonb(c.target_id)
                       AND c.call_started_at >= u.since AND c.call_started_at < u.until)
"""
"""This copy `c` belongs to a paused run, and to no running one: it waits, also for a retry, until a person resumes or cancels the run."""

TURN_OF_WINDOW = """
    (x.before - interval '1 ms' <= %(past)s)::int,
    CASE WHEN x.before - interval '1 ms' > %(past)s THEN GREATEST(x.after, %(past)s) - %(past)s
         ELSE %(past)s - (x.before - interval '1 ms') END
"""
"""`domain.expiry.turn` of this window `x`."""
