"""Manifest files: the days of one target, in files of about 4 MiB. A day is never split over files."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from rokuon.domain.placement import safe_id

from . import canonical, names
from .seal import SealedFile

FORMAT = "rokuon-manifest/1"
FULL = 4 * 1024 * 1024


@dataclass(slots=True)
class ManifestWriter:
    """Collects the days of one target, Dialpad's id, in order. `head` is the file's first line."""

    target: str
    head: bytes
    _parts: list[bytes] = field(default_factory=list)
    _days: list[date] = field(default_factory=list)
    _size: int = 0

    def add(self, day: date, lines: bytes) -> Iterator[tuple[SealedFile, bytes]]:
        """Add a day, and yield the file if it is full."""
        self._parts.append(lines)
        self._days.append(day)
        self._size += len(lines)
        if self._size >= FULL:
            yield self._file()

    def end(self) -> Iterator[tuple[SealedFile, bytes]]:
        """Yield the last file, if it has a day."""
        if self._days:
            yield self._file()

    def _file(self) -> tuple[SealedFile, bytes]:
        data = b"".join([self.head, *self._parts])
        digest = hashlib.sha256(data).hexdigest()
        path = names.manifest(safe_id(self.target), digest)
        made = SealedFile(path, digest, len(data), len(self._days), self._days[0], self._days[-1], self.target)
        self._parts, self._days, self._size = [], [], 0
        return made, data


def head(*, bucket: str, chain: str, company: str, folder: str, number: int, target: str, kind: str, zone: str) -> bytes:
    """Return the first line of a manifest. `folder` is the target's folder in the bucket, and `zone` the one of its dates."""
    return canonical.line(
        {
            "bucket": bucket,
            "chain": chain,
            "company": company,
            "folder": folder,
            "format": FORMAT,
            "issue": number,
            "target": {"id": target, "kind": kind},
            "zone": zone,
        }
    )


def totals_of(rows: Sequence[Sequence[int]]) -> dict[str, int]:
    """Return the totals of a seal from (days, verified, explained, open, erased, bytes) with signs."""
    days, verified, explained, unaccounted, erased, size = (sum(column) for column in zip(*rows, strict=True))
    return {"bytes": size, "days": days, "erased": erased, "explained": explained, "open": unaccounted, "verified": verified}
