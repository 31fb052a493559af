"""Calls of one company, ordered by start, and grouped for each kind of listing.

A grouping is made in one pass at its first use and then kept up to date, so a page costs only a bisection and its own items.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator

from .model import Call

# Returns the group (an id) of a call, None for no group.
GroupOf = Callable[[Call], int | None]
Entry = tuple[int, int, Call]


class CallBook:
    """All calls of a company. Entries are (start, call id, call), oldest first; ids are unique, so calls never compare."""

    def __init__(self, calls: list[Call]) -> None:
        self.by_id = {call.id: call for call in calls}
        self.all: list[Entry] = sorted((call.started, call.id, call) for call in calls)
        self._groupings: dict[str, tuple[GroupOf, dict[int, list[Entry]]]] = {}

    def __len__(self) -> int:
        return len(self.all)

    def add(self, call: Call) -> None:
        """Insert a call by its start, into all groups to which it belongs."""
        entry = (call.started, call.id, call)
        self.by_id[call.id] = call
        insort(self.all, entry)
        for group_of, groups in self._groupings.values():
            group = group_of(call)
            if group is not None:
                insort(groups.setdefault(group, []), entry)

    def group(self, name: str, group_of: GroupOf, wanted: int) -> list[Entry]:
        """Return the entries of one group; name identifies the grouping that group_of makes."""
        known = self._groupings.get(name)
        if known is None:
            groups: dict[int, list[Entry]] = {}
            for entry in self.all:
                group = group_of(entry[2])
                if group is not None:
                    groups.setdefault(group, []).append(entry)
            known = self._groupings[name] = (group_of, groups)
        return known[1].get(wanted, [])


def newest_first(entries: list[Entry], lowest: int, below: int, before: tuple[int, int] | None) -> Iterator[Call]:
    """Yield calls with lowest <= start < below, newest first; before is the (start, call id) of the last call already returned."""
    end = bisect_left(entries, (below,))
    if before is not None:
        end = min(end, bisect_left(entries, before))
    for position in range(end - 1, bisect_left(entries, (lowest,)) - 1, -1):
        yield entries[position][2]
