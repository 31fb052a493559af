"""Shorten frozen keys that are longer than their bucket accepts (`domain.placement.shortened`).

A key is frozen when a copy is placed, so that a renamed agent or center moves no object. If the bucket cannot store an object with that
key, no such object exists, and a shorter key moves nothing either. Verified copies are never changed.
"""

from collections.abc import Collection

from django.db import transaction

from rokuon.domain import placement

from . import transitions
from .sql import fetch

_PAGE = 1000


@transaction.atomic
def shorten(bucket_ids: Collection[int]) -> int:
    """Shorten the keys of unverified copies in these buckets, and return how many changed. Also reads a few that are short enough."""
    changed, after = 0, 0
    while page := _longer(bucket_ids, after):
        rows = [(copy, key, short) for copy, key, longest in page if (short := placement.shortened(key, longest)) is not None]
        changed += transitions.rename(rows)
        after = page[-1][0]
    return changed


def _longer(bucket_ids: Collection[int], after: int) -> list[tuple[int, str, int]]:
    """Return the next copies, by id, with a key that is longer than a name may be, and the longest name of their bucket."""
    return [
        (copy, key, longest)
        for copy, key, longest in fetch(
            """SELECT c.id, c.key, b.longest_name
                 FROM ledger_copy c JOIN org_bucket b ON b.id = c.bucket_id
                WHERE c.bucket_id = ANY(%(buckets)s) AND b.longest_name < %(usual)s AND c.id > %(after)s
                  AND c.state <> 'verified' AND octet_length(c.key) > b.longest_name - %(aside)s
                ORDER BY c.id LIMIT %(page)s""",
            {
                "buckets": list(bucket_ids),
                "usual": placement.SEGMENT_BYTES,
                "aside": placement.ASIDE_BYTES,
                "after": after,
                "page": _PAGE,
            },
        )
    ]
