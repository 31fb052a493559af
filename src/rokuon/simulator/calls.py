"""The calls of one company, ordered by start, with an index for every question a listing asks.

An index is built when it is first asked for and kept up to date afterwards, so a page costs a bisection plus the page itself.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator

from .model import Call

Predicate = Callable[[Call], bool]
Entry = tuple[int, int, Call]


class CallBook:
    """All calls of a company. Entries of an index are (start, call id, call), oldest first; ids are unique, so calls never compare."""

    def __init__(self, calls: list[Call]) -> None:
        self.by_id = {call.id: call for call in calls}
        self._indexes: dict[tuple[object, ...], tuple[Predicate, list[Entry]]] = {}
        self._all: list[Entry] = sorted((call.started, call.id, call) for call in calls)

    def __len__(self) -> int:
        return len(self._all)

    def add(self, call: Call) -> None:
        """Enter a call, at its place by start, in every index that it belongs to."""
        entry = (call.started, call.id, call)
        self.by_id[call.id] = call
        insort(self._all, entry)
        for predicate, entries in self._indexes.values():
            if predicate(call):
                insort(entries, entry)

    def index(self, name: tuple[object, ...], predicate: Predicate) -> list[Entry]:
        """The entries that satisfy predicate; name identifies the predicate and its arguments. () is all calls."""
        if not name:
            return self._all
        known = self._indexes.get(name)
        if known is None:
            known = self._indexes[name] = (predicate, [entry for entry in self._all if predicate(entry[2])])
        return known[1]


def newest_first(entries: list[Entry], lowest: int, below: int, before: tuple[int, int] | None) -> Iterator[Call]:
    """Calls with lowest <= start < below, newest first; before is the (start, call id) of the last call already given."""
    end = bisect_left(entries, (below,))
    if before is not None:
        end = min(end, bisect_left(entries, before))
    for position in range(end - 1, bisect_left(entries, (lowest,)) - 1, -1):
        yield entries[position][2]
