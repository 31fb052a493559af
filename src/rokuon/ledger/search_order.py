"""Orders of the search over the copies, and the cursors that resume it at a copy. Each order is that of an index, for each target."""

import base64
import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .models import Copy

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = struct.Struct(">?qq")


@dataclass(frozen=True, slots=True)
class SearchOrder:
    """An order by these expressions of a copy `c`, the last of which is its id."""

    name: str
    by: tuple[str, ...]
    falling: bool

    def sql(self, *, forward: bool, names: tuple[str, ...] = ()) -> str:
        """Return the ORDER BY terms; `names` stand for the expressions."""
        way = "DESC" if self.falling == forward else "ASC"
        return ", ".join(f"{one} {way}" for one in names or self.by)

    def beside(self, *, forward: bool) -> str:
        """Return the condition that a copy lies on this side of a cursor (`values`)."""
        marks = ", ".join(f"%(at{number})s" for number in range(len(self.by)))
        return f"({', '.join(self.by)}) {'<' if self.falling == forward else '>'} ({marks})"


NEWEST = SearchOrder("newest", ("c.call_started_at", "c.id"), True)
OLDEST = SearchOrder("oldest", ("c.call_started_at", "c.id"), False)
LONGEST = SearchOrder("longest", ("COALESCE(c.audio_ms, 0)", "c.id"), True)
LARGEST = SearchOrder("largest", ("COALESCE(c.size, 0)", "c.id"), True)
BY_AGENT = SearchOrder("agent", ("c.agent", "c.call_started_at", "c.id"), False)
ORDERS = {one.name: one for one in (NEWEST, OLDEST, LONGEST, LARGEST, BY_AGENT)}


@dataclass(frozen=True, slots=True)
class SearchCursor:
    """The copy next to which a page begins, by its place in an order, and the side of it."""

    forward: bool
    number: int
    copy_id: int
    agent: str = ""

    def values(self, order: SearchOrder) -> dict[str, Any]:
        """Return the parameters of `SearchOrder.beside`."""
        place: list[Any] = [_time(self.number) if "call_started_at" in order.by[-2] else self.number, self.copy_id]
        if order is BY_AGENT:
            place.insert(0, self.agent)
        return {f"at{number}": value for number, value in enumerate(place)}

    def written(self) -> str:
        data = _CURSOR.pack(self.forward, self.number, self.copy_id) + self.agent.encode()
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def beside(copy: Copy, order: SearchOrder, *, forward: bool) -> str:
    """Return the cursor of the page that begins next to this copy."""
    if order is LARGEST:
        number = copy.size or 0
    elif order is LONGEST:
        number = copy.audio_ms or 0
    else:
        number = _microseconds(copy.call_started_at)
    return SearchCursor(forward, number, copy.pk, copy.agent if order is BY_AGENT else "").written()


def at_time(when: datetime) -> str:
    """Return the cursor of the page that begins with the first call before `when`, newest first, or from it on, oldest first."""
    return SearchCursor(True, _microseconds(when), 0).written()


def read(text: str, order: SearchOrder) -> SearchCursor:
    """Read a cursor. Raises ValueError for one that is not of this order."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if len(data) < _CURSOR.size or (len(data) > _CURSOR.size and order is not BY_AGENT):
        raise ValueError("not a cursor")
    forward, number, copy_id = _CURSOR.unpack(data[: _CURSOR.size])
    found = SearchCursor(forward, number, copy_id, data[_CURSOR.size :].decode())
    if "\0" in found.agent:
        raise ValueError("not a cursor")
    try:
        found.values(order)
    except OverflowError:
        raise ValueError("not a cursor") from None
    return found


def _microseconds(when: datetime) -> int:
    return (when - _EPOCH) // timedelta(microseconds=1)


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
