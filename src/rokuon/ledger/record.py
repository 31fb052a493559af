"""Write down what became of copies (DESIGN.md section 3, steps 7 and 8): conditional updates in batches.

An outcome names the attempt that it saw. If the copy has moved on meanwhile, the outcome changes nothing, with one exception:
a proven object is evidence that holds whatever another worker wrote, so `verified` is tried again on the state that is there.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from rokuon.domain.work import Outcome

from .sql import columns, fetch

_UPDATE = """
    UPDATE ledger_copy c
       SET state = x.state,
           attempt = c.attempt + x.spent,
           due_at = CASE WHEN x.state = 'pending' THEN %(now)s + make_interval(secs => x.due_in) ELSE NULL END,
           reason = x.reason, detail = x.detail,
           tries = c.tries + x.spent, negatives = c.negatives + x.negative::int,
           first_negative_at = CASE WHEN x.negative THEN COALESCE(c.first_negative_at, %(now)s) ELSE c.first_negative_at END,
           size = COALESCE(x.size, c.size), sha256 = COALESCE(NULLIF(x.sha256, ''), c.sha256), crc32c = COALESCE(x.crc32c, c.crc32c),
           version = COALESCE(NULLIF(x.version, ''), c.version), proof = COALESCE(NULLIF(x.proof, ''), c.proof),
           audio_ms = COALESCE(x.audio_ms, c.audio_ms), changed_at = %(now)s
      FROM unnest(%(id)s::bigint[], %(seen_state)s::text[], %(attempt)s::int[], %(state)s::text[], %(reason)s::text[], %(detail)s::text[],
                  %(spent)s::int[], %(due_in)s::float8[], %(negative)s::bool[], %(size)s::bigint[], %(sha256)s::text[],
                  %(crc32c)s::bigint[], %(version)s::text[], %(proof)s::text[], %(audio_ms)s::bigint[])
           AS x(id, seen_state, attempt, state, reason, detail, spent, due_in, negative, size, sha256, crc32c, version, proof, audio_ms)
     WHERE c.id = x.id AND c.state = x.seen_state AND c.attempt = x.attempt
 RETURNING c.id
"""
_NAMES = (
    "id", "seen_state", "attempt", "state", "reason", "detail", "spent", "due_in", "negative", "size", "sha256", "crc32c", "version",
    "proof", "audio_ms",
)  # fmt: skip


@transaction.atomic
def record(outcomes: Sequence[Outcome], now: datetime) -> set[int]:
    """Enter the outcomes; the ids of the copies that hold theirs now. The others moved on, and what they hold stays."""
    written = _update([(outcome, "pending", outcome.attempt) for outcome in outcomes], now)
    late = [outcome for outcome in outcomes if outcome.copy_id not in written and outcome.state == "verified"]
    if late:
        current = {
            row[0]: (row[1], row[2])
            for row in fetch("SELECT id, state, attempt FROM ledger_copy WHERE id = ANY(%s)", [[o.copy_id for o in late]])
        }
        written |= {copy_id for copy_id, (state, _) in current.items() if state == "verified"}
        again = [(o, *current[o.copy_id]) for o in late if o.copy_id in current and o.copy_id not in written]
        written |= _update(again, now)
    return written


def _update(rows: Sequence[tuple[Outcome, str, int]], now: datetime) -> set[int]:
    if not rows:
        return set()
    values = sorted(
        (
            (o.copy_id, seen_state, attempt, o.state, o.reason, o.detail[:500], int(o.spent), float(o.due_in_s), o.negative, o.size,
             o.sha256, o.crc32c, o.version, o.proof, o.audio_ms)
            for o, seen_state, attempt in rows
        ),
        key=lambda row: row[0],
    )  # fmt: skip
    found = fetch(_UPDATE, {"now": now, **dict(zip(_NAMES, columns(values, len(_NAMES)), strict=True))})
    return {row[0] for row in found}
