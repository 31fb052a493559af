"""Inventory: compare what a store lists with what the ledger says is there, one page of each at a time.

The checker is independent of the writer: names are parsed with a pattern of its own, and nothing is imported that names or writes objects
(a contract of import-linter). A mistake in those rules would otherwise be repeated here and remain unseen.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from .bucket_listing import ListedObject
from .clocks import is_future

PREFIX = "call-recordings/"
"""Everything that Rokuon stores is below it."""

_OWN = f"{PREFIX}.rokuon"
_LAYOUT = re.compile(rf"{PREFIX}(?!\.)[^/]+/\d{{4}}-\d\d-\d\d/[^/]+ - [\w-]+ - (?P<recording>[\w-]+)\.[a-z0-9]+", re.ASCII)

MOST_SUSPECTS = 100
SHARE_OF_SUSPECTS = 1000
"""One in this many."""


class Sight(StrEnum):
    """What a key looks like in the list and in the ledger.

    `in_order`: verified and there, as far as the store says. `rewritten`: the same bytes by all known facts, in another generation.
    `changed`: size or checksum differs. `absent`: verified and not listed. `returned`: an inventory missed it before, and it is there as it
    was verified. `unproven`: there, and the ledger does not call it verified for another reason.
    `later`: row or object changed after the pass began, and the next pass judges it.
    Without a row: `named` has a name of the layout, `placeholder` ends in "/", `own` belongs to Rokuon, `stray` is anything else.
    """

    IN_ORDER = "in_order"
    REWRITTEN = "rewritten"
    CHANGED = "changed"
    ABSENT = "absent"
    RETURNED = "returned"
    UNPROVEN = "unproven"
    LATER = "later"
    NAMED = "named"
    PLACEHOLDER = "placeholder"
    OWN = "own"
    STRAY = "stray"


@dataclass(frozen=True, slots=True)
class Expected:
    """A copy as the ledger has it. `missed`: it was verified, and an inventory found its object missing or changed. Facts that the ledger
    does not know are None or "", and are not compared."""

    copy_id: int
    key: str
    verified: bool
    changed_at: datetime
    size: int | None = None
    crc32c: int | None = None
    md5: str = ""
    version: str = ""
    missed: bool = False


@dataclass(frozen=True, slots=True)
class SeenKey:
    sight: Sight
    key: str
    found: ListedObject | None
    expected: Expected | None


def merge(found: Sequence[ListedObject], expected: Sequence[Expected]) -> Iterator[tuple[ListedObject | None, Expected | None]]:
    """Yield each key of either side once, in byte order, with what each side has of it. Both are in this order."""
    at = 0
    for one in found:
        key = one.key.encode()
        while at < len(expected) and expected[at].key.encode() < key:
            yield None, expected[at]
            at += 1
        if at < len(expected) and expected[at].key == one.key:
            yield one, expected[at]
            at += 1
        else:
            yield one, None
    for rest in expected[at:]:
        yield None, rest


def compare(found: Sequence[ListedObject], expected: Sequence[Expected], began: datetime, now: datetime) -> Iterator[SeenKey]:
    """Yield what a pass that began then sees now of every object, and of every row that is verified."""
    for one, row in merge(found, expected):
        if one is not None:
            yield SeenKey(_sight(one, row, began, now), one.key, one, row)
        elif row is not None and row.verified:
            yield SeenKey(Sight.LATER if _is_later(row.changed_at, began, now) else Sight.ABSENT, row.key, None, row)


def _is_later(noted: datetime | None, began: datetime, now: datetime) -> bool:
    """Whether this happened since the pass began. A time in the future did not: it would keep every pass from judging, for years."""
    return noted is not None and noted >= began and not is_future(noted, now)


def _sight(found: ListedObject, expected: Expected | None, began: datetime, now: datetime) -> Sight:
    if _is_later(found.created_at or found.updated_at, began, now) or (expected and _is_later(expected.changed_at, began, now)):
        return Sight.LATER
    if expected is None:
        return without_row(found.key)
    other = differs(expected, found.size, found.crc32c, found.md5)
    if not expected.verified:
        return Sight.RETURNED if expected.missed and not other else Sight.UNPROVEN
    if other:
        return Sight.CHANGED
    same = expected.version in ("", found.version) or not found.version
    return Sight.IN_ORDER if same else Sight.REWRITTEN


def differs(expected: Expected, size: int, crc32c: int | None, md5: str) -> bool:
    """Whether a fact that both sides know is not the same."""
    return (
        expected.size not in (None, size)
        or (crc32c is not None and expected.crc32c not in (None, crc32c))
        or bool(md5 and expected.md5 and md5 != expected.md5)
    )


def without_row(key: str) -> Sight:
    if key == PREFIX or key.startswith(_OWN):
        return Sight.OWN
    if key.endswith("/"):
        return Sight.PLACEHOLDER
    return Sight.NAMED if recording_of(key) else Sight.STRAY


def recording_of(key: str) -> str:
    """Return the recording id in a name of the layout; "" for any other name."""
    match = _LAYOUT.fullmatch(key)
    return match["recording"] if match else ""


def in_order(found: Sequence[ListedObject], after: str) -> bool:
    """Whether a page is in byte order, beginning behind `after`. A list that is not would make recordings look missing."""
    keys = [after.encode(), *(one.key.encode() for one in found)]
    return all(before < key for before, key in pairwise(keys))


def trips(suspects: int, verified: int) -> bool:
    """Whether so many of the verified recordings of a bucket are absent or changed that the bucket itself is in doubt, and nothing may be
    concluded of a single recording."""
    return suspects > MOST_SUSPECTS and suspects * SHARE_OF_SUSPECTS > verified


def is_ruled(stored_at: datetime, now: datetime, deletes_after: timedelta | None) -> bool:
    """Whether the bucket's own rule, if it is known, has deleted what was in it at `stored_at`."""
    return deletes_after is not None and now - stored_at > deletes_after


@dataclass(slots=True)
class PassSums:
    """What a pass has seen. `held` and `retained` objects may not be deleted now, `altered` ones had their metadata changed since they were
    written; `ruled` of the absent ones are older than the bucket's own rule keeps them; `classes` counts objects by storage class, "" if
    that is not known."""

    objects: int = 0
    bytes: int = 0
    held: int = 0
    retained: int = 0
    altered: int = 0
    ruled: int = 0
    sights: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)

    def add(self, seen: SeenKey, began: datetime, deletes_after: timedelta | None = None) -> None:
        self.sights[seen.sight.value] += 1
        if seen.sight is Sight.ABSENT and seen.expected is not None and is_ruled(seen.expected.changed_at, began, deletes_after):
            self.ruled += 1
        if (found := seen.found) is None:
            return
        self.objects += 1
        self.bytes += found.size
        self.held += bool(found.held)
        self.retained += found.retained_until is not None and found.retained_until > began
        self.altered += found.changes not in (None, 1)
        self.classes[found.storage_class] += 1

    @property
    def suspects(self) -> int:
        """Verified copies that are absent or changed, without those that the bucket's own rule explains."""
        return self.sights[Sight.ABSENT] + self.sights[Sight.CHANGED] - self.ruled
