"""Enter a seal in the database once it is in the bucket: its revisions and sums, and the days that no longer wait.

Two workers may issue the same bucket: the store lets only one of them create a seal, and both enter that one.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from rokuon.ledger.sql import columns, execute

from . import schedule
from .models import Intent, Issue, SealChain
from .plan import DayEntry, IssuePlan

_SEALED = """
    INSERT INTO custody_sealedday (chain_id, issue, target_id, day, revision, verdict, final_at, lines, sha256, verified, explained, open,
                                   erased, bytes)
    SELECT %s, %s, target_id, day, revision, verdict, final_at, lines, sha256, verified, explained, open, erased, bytes
      FROM unnest(%s::bigint[], %s::date[], %s::bigint[], %s::int[], %s::text[], %s::timestamptz[], %s::int[], %s::text[], %s::int[],
                  %s::int[], %s::int[], %s::int[], %s::bigint[])
           AS x(target_id, day, version, revision, verdict, final_at, lines, sha256, verified, explained, open, erased, bytes)
        ON CONFLICT (chain_id, target_id, day) DO UPDATE
       SET (issue, revision, verdict, final_at, lines, sha256, verified, explained, open, erased, bytes) =
           (excluded.issue, excluded.revision, excluded.verdict, excluded.final_at, excluded.lines, excluded.sha256, excluded.verified,
            excluded.explained, excluded.open, excluded.erased, excluded.bytes)
"""
"""Its arrays are the fields of `DayEntry`."""


def intend(chain_id: int, number: int, sha256: str, issue: Mapping[str, Any], entries: Sequence[DayEntry]) -> None:
    """Remember what to enter once the seal with this SHA-256 is in the bucket."""
    Intent.objects.get_or_create(
        chain_id=chain_id, number=number, sha256=sha256, defaults={"issue": dict(issue), "days": [list(one) for one in entries]}
    )


@transaction.atomic
def enter(name: str, number: int, sha256: str, now: datetime) -> bool:
    """Enter the seal of this chain that is in the bucket, and forget the other intents for its number. Return False if no worker of this
    ledger intended it. May run twice."""
    chain = SealChain.objects.select_for_update(no_key=True).get(name=name)
    if Issue.objects.filter(chain=chain, number=number, sha256=sha256).exists():
        return True
    intent = Intent.objects.filter(chain=chain, number=number, sha256=sha256).first()
    if intent is None:
        return False
    fields = dict(intent.issue)
    more = fields.pop("more")
    Issue.objects.create(chain=chain, number=number, sha256=sha256, **fields)
    entries = [DayEntry(*one) for one in intent.days]
    execute(_SEALED, [chain.pk, number, *columns(entries, len(DayEntry._fields))])
    _done(chain.bucket_id, [(one.target_id, one.day, one.version) for one in entries])
    Intent.objects.filter(chain=chain, number__lte=number).delete()
    if chain.closed_at is None:  # else another chain was begun meanwhile, which seals these days again
        schedule.succeeded(chain.bucket_id, now, more=more)
    return True


def unchanged(issue: IssuePlan, entries: Sequence[DayEntry]) -> None:
    """Forget the days that the issue read and found as they were sealed."""
    said = {(one.target_id, one.day) for one in entries}
    rows = [
        (target, day.isoformat(), version)
        for target, versions in issue.waiting.items()
        for day, version in versions.items()
        if (target, day.isoformat()) not in said
    ]
    _done(issue.bucket_id, rows)


def _done(bucket_id: int, rows: Sequence[tuple[int, str, int]]) -> None:
    """Remove waiting days, but not those that changed again since they were read."""
    execute(
        """DELETE FROM custody_waiting w USING unnest(%s::bigint[], %s::date[], %s::bigint[]) AS x(t, d, v)
            WHERE w.bucket_id = %s AND w.target_id = x.t AND w.day = x.d AND w.version = x.v""",
        [*columns(rows, 3), bucket_id],
    )
