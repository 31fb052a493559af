"""The calls of one company, ordered by start, and grouped by every question that a listing asks.

A grouping is made in one pass when it is first asked for and kept up to date afterwards, so a page costs a bisection plus itself.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator

from .model import Call

# The group (an id) that a call falls in, None for no group.
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
        """Enter a call, at its place by start, everywhere it belongs."""
        entry = (call.started, call.id, call)
        self.by_id[call.id] = call
        insort(self.all, entry)
        for group_of, groups in self._groupings.values():
            group = group_of(call)
            if group is not None:
                insort(groups.setdefault(group, []), entry)

    def group(self, name: str, group_of: GroupOf, wanted: int) -> list[Entry]:
        """The entries of one group; name identifies the grouping that group_of makes."""
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
    """Calls with lowest <= start < below, newest first; before is the (start, call id) of the last call already given."""
    end = bisect_left(entries, (below,))
    if before is not None:
        end = min(end, bisect_left(entries, before))
    for position in range(end - 1, bisect_left(entries, (lowest,)) - 1, -1):
        yield entries[position][2]
