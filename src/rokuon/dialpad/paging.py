"""The answers of one list, page by page, until it ends: the one place that follows cursors, and that notices a list without end.

A list of Dialpad says nothing of its length. Its end is a missing cursor, so a server that always gives one more would be asked for
ever. Two things end such a list as looped: a cursor that came before, and a few pages in a row that brought nothing new.
"""

from collections.abc import AsyncIterator, Iterable, Mapping

from rokuon.domain.failures import SourceCursorLooped, SourceCursorRefused, SourceRequestRefused

from .client import ApiClient, JsonObject
from .schema import parse_cursor, parse_items
from .values import Json, to_id, to_int

RESTARTS = 3
"""How often a list is begun again whose cursor the server no longer takes."""

BARREN_PAGES = 5
"""So many pages in a row without an item that was not there before. One or two may be honest: an empty page where the server filters
after it has cut its pages, a page again that an arriving call has shifted."""

REMEMBERED = 100_000
"""Items that are told from new ones. A round that is longer is noticed by its starts, which never get older."""

LEVEL_PAGES = 2_000
"""So many pages in a row whose calls all started no earlier than one before: as many as hold what is remembered."""


async def answers(api: ApiClient, path: str, params: Mapping[str, str], most_pages: int) -> AsyncIterator[JsonObject]:
    """The answers of one list, until one has no cursor. Raises SourceCursorLooped, SourceCursorRefused where a page
    after the first is refused, and what `ApiClient.get` raises."""
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
    """Whether a list still brings something new. Bounded in memory, whatever the list's length."""

    def __init__(self) -> None:
        self._seen: dict[str, None] = {}
        self._barren = self._level = 0
        self._oldest_ms: int | None = None

    def made(self, items: Iterable[Json]) -> bool:
        """Enter a page; False once the list goes round."""
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
    """What tells an item from others: its id, else all that it says."""
    if isinstance(item, dict):
        found = to_id(item.get("call_id")) or to_id(item.get("id"))
        if found:
            return found
    return f"?{hash(repr(item))}"
