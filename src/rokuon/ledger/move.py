"""When a target's bucket was changed, what the old bucket never took goes to the new one; what it holds stays there (C1)."""

from collections.abc import Mapping
from datetime import datetime

from .sql import execute

BUCKET_CHANGED = "bucket_changed"

# The old row stays and says why: its key was frozen for the old bucket, and nothing is hidden. Copies that are neither failed nor
# stopped by a hold on their bucket are on their way, and finish where they were placed. Nothing is set aside that has no new place: a
# row that an earlier move left in the new bucket is taken up again, and where the name is taken there the copy stays where it is.
_MOVE = """
    WITH leaving AS (
        SELECT c.id, c.company_id, c.recording_id, c.target_id, x.bucket, c.call_started_at, c.key, c.agent
          FROM ledger_copy c
          JOIN unnest(%(targets)s::bigint[], %(buckets)s::bigint[]) AS x(target, bucket) ON c.target_id = x.target
         WHERE c.company_id = %(company)s AND c.bucket_id <> x.bucket
           AND c.call_started_at >= %(since)s AND c.call_started_at < %(until)s
           AND (c.state = 'failed'
                OR (c.state = 'pending'
                    AND EXISTS (SELECT 1 FROM ledger_hold h WHERE h.company_id = c.company_id AND h.lifted_at IS NULL
                                                              AND h.on = 'bucket' AND h.ref = c.bucket_id::text)))
           FOR UPDATE OF c),
    placed AS (
        INSERT INTO ledger_copy (company_id, recording_id, target_id, bucket_id, call_started_at, key, agent, state, attempt, due_at,
                                 reason, detail, sha256, version, proof, tries, negatives, created_at, changed_at)
        SELECT company_id, recording_id, target_id, bucket, call_started_at, key, agent, 'pending', 0, %(now)s, '',
               '', '', '', '', 0, 0, %(now)s, %(now)s
          FROM leaving
            ON CONFLICT DO NOTHING
     RETURNING recording_id, target_id),
    taken_up AS (
        UPDATE ledger_copy n
           SET state = 'pending', attempt = n.attempt + 1, due_at = %(now)s, reason = '', tries = 0, negatives = 0,
               first_negative_at = NULL, changed_at = %(now)s
          FROM leaving l
         WHERE n.recording_id = l.recording_id AND n.target_id = l.target_id AND n.bucket_id = l.bucket
           AND n.state = 'excluded' AND n.reason = %(reason)s
     RETURNING n.recording_id, n.target_id),
    there AS (
        SELECT n.recording_id, n.target_id
          FROM leaving l JOIN ledger_copy n ON n.recording_id = l.recording_id AND n.target_id = l.target_id AND n.bucket_id = l.bucket
         WHERE n.state <> 'excluded')
    UPDATE ledger_copy c
       SET state = 'excluded', reason = %(reason)s, due_at = NULL, attempt = c.attempt + 1, changed_at = %(now)s
      FROM leaving l JOIN (TABLE placed UNION TABLE taken_up UNION TABLE there) AS p USING (recording_id, target_id)
     WHERE c.id = l.id
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
