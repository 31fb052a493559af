"""Whether a source answers at all: the cheapest question that every source must answer."""

from rokuon.domain.ports import Source, TimeRange
from rokuon.domain.recording import COMPANY_SCOPE

HOUR_MS = 3_600_000


async def ask(source: Source, now_ms: int) -> None:
    """One page of the company's calls of the last hour. Raises SourceError where it is refused or does not come."""
    async for _page in source.pages(COMPANY_SCOPE, TimeRange(now_ms - HOUR_MS, now_ms)):
        return
