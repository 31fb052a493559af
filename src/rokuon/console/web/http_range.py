"""HTTP Range (RFC 9110, 14) for one body of a known size. Only `bytes`, and only the first of several ranges."""

import re
from dataclasses import dataclass

_ONE = re.compile(r"([0-9]{0,18})-([0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to, not including, `end`."""

    start: int
    end: int

    def header(self, size: int) -> str:
        return f"bytes {self.start}-{self.end - 1}/{size}"


class NotSatisfiable(Exception):
    """The range begins at or after the end."""


def wanted(header: str, size: int) -> Span | None:
    """Return the requested span; None for the whole: no header, another unit, or a header that cannot be read. Raises NotSatisfiable."""
    unit, equals, ranges = header.partition("=")
    found = _ONE.fullmatch(ranges.split(",")[0].strip())
    if not equals or unit.strip().lower() != "bytes" or found is None or found[0] == "-":
        return None
    first, last = found[1], found[2]
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1 if last else size, size)
        if last and int(last) < start:
            return None
    if start >= size:
        raise NotSatisfiable
    return Span(start, end)
