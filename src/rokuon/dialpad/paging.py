"""Pagination: follows the cursors of a list page by page, and detects a list that never ends. Only this module follows cursors.

Dialpad's lists do not give their length. A list ends when the cursor is missing, so with a server that always returns a cursor, paging
would never end. Two things mark such a list as looped: a cursor that was seen before, and several consecutive pages without anything new.
"""

from collections.abc import AsyncIterator, Iterable, Mapping

from rokuon.domain.failures import SourceCursorLooped, SourceCursorRefused, SourceRequestRefused

from .client import ApiClient, JsonObject
from .schema import parse_cursor, parse_items
from .values import Json, to_id, to_int

RESTARTS = 3
"""How often a list is restarted if the server no longer accepts its cursor."""

BARREN_PAGES = 5
"""Limit of consecutive pages without a new item. One or two can be normal: an empty page if the server filters after paging, or a repeated
page that a new call has shifted."""

REMEMBERED = 100_000
"""Number of items that are remembered to recognise new ones. A longer loop is detected because its start times never get older."""

LEVEL_PAGES = 2_000
"""Limit of consecutive pages without a call that started earlier than all before: as many pages as contain the remembered items."""


async def answers(api: ApiClient, path: str, params: Mapping[str, str], most_pages: int) -> AsyncIterator[JsonObject]:
    """Yield the answers of one list, until one has no cursor. Raises SourceCursorLooped, SourceCursorRefused if a page after the first is
    refused, and what `ApiClient.get` raises."""
    asked = dict(params)
    cursors: set[str] = set()
    headway = Headway()
    while True:
        try:
            answer = await api.get(path, asked)
        except SourceRequestRefused as error:
            if not cursors:
                raise
            raise SourceCursorRefused(error.detail) from None
        cursor = parse_cursor(answer)
        going_on = headway.made(parse_items(answer))
        yield answer
        if not cursor:
            return
        if cursor in cursors or not going_on or len(cursors) >= most_pages:
            raise SourceCursorLooped(f"after {len(cursors) + 1} pages")
        cursors.add(cursor)
        asked["cursor"] = cursor


class Headway:
    """Detects whether a list still returns new items. Its memory is limited for lists of any length."""

    def __init__(self) -> None:
        self._seen: dict[str, None] = {}
        self._barren = self._level = 0
        self._oldest_ms: int | None = None

    def made(self, items: Iterable[Json]) -> bool:
        """Add a page; return False once the list loops."""
        new = older = False
        for item in items:
            name = _identity(item)
            if name not in self._seen:
                self._seen[name] = None
                new = True
            started = to_int(item.get("date_started")) if isinstance(item, dict) else None
            if started is not None and (self._oldest_ms is None or started < self._oldest_ms):
                self._oldest_ms, older = started, True
        while len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._barren = 0 if new else self._barren + 1
        self._level = 0 if older or self._oldest_ms is None else self._level + 1
        return self._barren < BARREN_PAGES and self._level < LEVEL_PAGES


def _identity(item: Json) -> str:
    """Return what identifies an item: its id, else its whole content."""
    if isinstance(item, dict):
        found = to_id(item.get("call_id")) or to_id(item.get("id"))
        if found:
            return found
    return f"?{hash(repr(item))}"
