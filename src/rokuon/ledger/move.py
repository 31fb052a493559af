"""When a target's bucket was changed, what the old bucket never took goes to the new one; what it holds stays there (C1)."""

from collections.abc import Mapping
from datetime import datetime

from .sql import execute

BUCKET_CHANGED = "bucket_changed"

# The old row stays and says why: its key was frozen for the old bucket, and nothing is hidden. Copies that are neither failed nor
# stopped by a hold on their bucket are on their way, and finish where they were placed.
_MOVE = """
    WITH moved AS (
        UPDATE ledger_copy c
           SET state = 'excluded', reason = %(reason)s, due_at = NULL, attempt = c.attempt + 1, changed_at = %(now)s
          FROM unnest(%(targets)s::bigint[], %(buckets)s::bigint[]) AS x(target, bucket)
         WHERE c.company_id = %(company)s AND c.target_id = x.target AND c.bucket_id <> x.bucket
           AND c.call_started_at >= %(since)s AND c.call_started_at < %(until)s
           AND (c.state = 'failed'
                OR (c.state = 'pending'
                    AND EXISTS (SELECT 1 FROM ledger_hold h WHERE h.company_id = c.company_id AND h.lifted_at IS NULL
                                                              AND h.on = 'bucket' AND h.ref = c.bucket_id::text)))
     RETURNING c.company_id, c.recording_id, c.target_id, x.bucket, c.call_started_at, c.key, c.agent)
    INSERT INTO ledger_copy (company_id, recording_id, target_id, bucket_id, call_started_at, key, agent, state, attempt, due_at, reason,
                             detail, sha256, version, proof, tries, negatives, created_at, changed_at)
    SELECT company_id, recording_id, target_id, bucket, call_started_at, key, agent, 'pending', 0, %(now)s, '',
           '', '', '', '', 0, 0, %(now)s, %(now)s
      FROM moved
        ON CONFLICT DO NOTHING
"""


def follow_bucket(company_id: int, buckets: Mapping[int, int], since: datetime, until: datetime, now: datetime) -> int:
    """Place anew, in the bucket that its target (key of `buckets`) has now, every copy that failed or is held in another; how many."""
    return execute(
        _MOVE,
        {
            "company": company_id,
            "targets": list(buckets.keys()),
            "buckets": list(buckets.values()),
            "since": since,
            "until": until,
            "now": now,
            "reason": BUCKET_CHANGED,
        },
    )
