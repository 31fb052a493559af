"""Change of a target's bucket: recordings that the old bucket never received go to the new one; stored recordings stay there (C1)."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from rokuon.domain.copies import Cause, State

from . import names, transitions
from .sql import BY_INVENTORY, CLOSED, execute

BUCKET_CHANGED = "bucket_changed"

# The old row stays and states the reason: its key was frozen for the old bucket, and nothing is hidden. Copies that are neither failed nor
# stopped by a hold on their bucket are in progress, and finish in the bucket where they were placed. No copy is excluded without a new
# place: a row that an earlier change left in the new bucket is used again, and if the key exists there already the copy stays unchanged.
_MOVE = """
    WITH leaving AS (
        SELECT c.id, c.company_id, c.recording_id, c.target_id, x.bucket, c.call_started_at, c.key, c.agent, c.given_up
          FROM ledger_copy c
          JOIN unnest(%(targets)s::bigint[], %(buckets)s::bigint[]) AS x(target, bucket) ON c.target_id = x.target
         WHERE c.company_id = %(company)s AND c.bucket_id <> x.bucket
           AND c.call_started_at >= %(since)s AND c.call_started_at < %(until)s
           AND ((c.state = 'failed' AND NOT {closed} AND NOT {by_inventory})
                OR (c.state = 'pending'
                    AND EXISTS (SELECT 1 FROM ledger_hold h WHERE h.company_id = c.company_id AND h.lifted_at IS NULL
                                                              AND h.on = 'bucket' AND h.ref = c.bucket_id::text)))
           FOR UPDATE OF c),
    placed AS (
        INSERT INTO ledger_copy (company_id, recording_id, target_id, bucket_id, call_started_at, key, agent, state, attempt, due_at,
                                 reason, detail, sha256, version, proof, tries, negatives, given_up, created_at, changed_at)
        SELECT company_id, recording_id, target_id, bucket, call_started_at, key, agent, 'pending', 0, %(now)s, '',
               '', '', '', '', 0, 0, given_up, %(now)s, %(now)s
          FROM leaving
            ON CONFLICT DO NOTHING
     RETURNING recording_id, target_id),
    taken_up AS ({taken_up}),
    there AS (
        SELECT n.recording_id, n.target_id
          FROM leaving l JOIN ledger_copy n ON n.recording_id = l.recording_id AND n.target_id = l.target_id AND n.bucket_id = l.bucket
         WHERE n.state <> 'excluded')
    {set_aside}
"""


def _statement() -> str:
    taken_up = transitions.statement(
        State.PENDING,
        Cause.BUCKET,
        "c.recording_id = l.recording_id AND c.target_id = l.target_id AND c.bucket_id = l.bucket AND c.reason = %(reason)s",
        tables="leaving l",
        also="given_up = l.given_up",
    )
    set_aside = transitions.statement(
        State.EXCLUDED,
        Cause.BUCKET,
        "c.id = l.id",
        tables="""leaving l JOIN (TABLE placed UNION SELECT recording_id, target_id FROM taken_up UNION TABLE there) AS p
                  USING (recording_id, target_id)""",
    )
    return _MOVE.format(closed=CLOSED, by_inventory=BY_INVENTORY, taken_up=taken_up, set_aside=set_aside)


@transaction.atomic
def follow_bucket(company_id: int, buckets: Mapping[int, int], since: datetime, until: datetime, now: datetime) -> int:
    """Place every copy that failed or is held in another bucket again, in the bucket that its target (key of `buckets`) has now. Return
    their number.

    Copies that a person closed stay unchanged, and those that an inventory found changed or missing: the old bucket did receive them.
    """
    moved = execute(
        _statement(),
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
    names.shorten(set(buckets.values()))
    return moved
