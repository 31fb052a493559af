"""Whether a source or a bucket answers at all: the cheapest question that each must answer, and when to ask it."""

from collections import Counter

from rokuon.domain.placement import PREFIX
from rokuon.domain.ports import Source, Store, TimeRange
from rokuon.domain.recording import COMPANY_SCOPE

HOUR_MS = 3_600_000


async def ask(source: Source, now_ms: int) -> None:
    """One page of the company's calls of the last hour. Raises SourceError where it is refused or does not come."""
    async for _page in source.pages(COMPANY_SCOPE, TimeRange(now_ms - HOUR_MS, now_ms)):
        return


async def ask_bucket(store: Store) -> None:
    """One page of the bucket's list. Raises StoreError where it is refused or does not come."""
    async for _one in store.list(f"{PREFIX}/"):
        return


class Failures:
    """Failures of each bucket in a row, in one job. One that failed last is in doubt: it is asked before anything is fetched for it."""

    def __init__(self) -> None:
        self._in_a_row: Counter[int] = Counter()

    def took(self, bucket_id: int) -> None:
        del self._in_a_row[bucket_id]

    def failed(self, bucket_id: int) -> int:
        """How many in a row that makes."""
        self._in_a_row[bucket_id] += 1
        return self._in_a_row[bucket_id]

    def doubts(self, bucket_id: int) -> bool:
        return self._in_a_row[bucket_id] > 0
