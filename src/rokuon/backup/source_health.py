"""Health check of a source (one page of recent calls) and of a bucket (one page of its list), and when to check a bucket."""

from collections import Counter

from rokuon.domain.placement import PREFIX
from rokuon.domain.ports import Source, Store, TimeRange
from rokuon.domain.recording import COMPANY_SCOPE

HOUR_MS = 3_600_000


async def ask(source: Source, now_ms: int) -> None:
    """Request one page of the company's calls of the last hour. Raises SourceError if it is refused or does not arrive."""
    async for _page in source.pages(COMPANY_SCOPE, TimeRange(now_ms - HOUR_MS, now_ms)):
        return


async def ask_bucket(store: Store) -> None:
    """Request one page of the bucket's list. Raises StoreError if it is refused or does not arrive."""
    async for _one in store.list(f"{PREFIX}/"):
        return


class Failures:
    """Consecutive failures of each bucket in one job. A bucket whose last write failed is in doubt: it is checked before the next
    fetch."""

    def __init__(self) -> None:
        self._in_a_row: Counter[int] = Counter()

    def took(self, bucket_id: int) -> None:
        del self._in_a_row[bucket_id]

    def failed(self, bucket_id: int) -> int:
        """Count a failure. Return the number of failures in a row."""
        self._in_a_row[bucket_id] += 1
        return self._in_a_row[bucket_id]

    def doubts(self, bucket_id: int) -> bool:
        return self._in_a_row[bucket_id] > 0
