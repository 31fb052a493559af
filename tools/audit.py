"""Holds the pinned requirements against known vulnerabilities, without a network.

    python tools/audit.py [--data FOLDER_OR_ZIP] [--optional]

The data are records in the OSV format (https://ossf.github.io/osv-schema/), as JSON: the export of osv.dev for PyPI (`PyPI/all.zip`), or a
folder of such files. ROKUON_ADVISORIES names them, too. Ends with 0 where nothing is known against a pin, 1 where something is, and 2 where
nothing can be said: there are no data, or the newest record is older than 30 days. With --optional no data at all end with 0, and are said.
"""

import argparse
import json
import os
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements"
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
STALE = timedelta(days=30)
CLEAN, FOUND, UNKNOWN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Finding:
    package: str
    pinned: str
    advisory: str
    fixed: str


def main(arguments: list[str] | None = None, now: datetime | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("ROKUON_ADVISORIES"))
    parser.add_argument("--optional", action="store_true", help="end with 0 where there are no data at all")
    asked = parser.parse_args(arguments)
    known = pins(REQUIREMENTS)
    count = sum(map(len, known.values()))
    if not asked.data or not Path(asked.data).exists():
        print(
            f"NOT AUDITED: {count} pinned packages were held against nothing, since there are no vulnerability data here. "
            "Download PyPI/all.zip of osv.dev where there is a network, and name it with ROKUON_ADVISORIES."
        )
        return CLEAN if asked.optional else UNKNOWN
    found, records, newest = [], 0, datetime.min.replace(tzinfo=UTC)
    for record in advisories(Path(asked.data)):
        records += 1
        newest = max(newest, datetime.fromisoformat(str(record["modified"])))
        found += findings(record, known)
    for one in sorted(set(found), key=lambda one: (one.package, one.advisory)):
        print(f"{one.package} {one.pinned}: {one.advisory}, {f'mended in {one.fixed}' if one.fixed else 'not mended in any version'}")
    print(f"{count} pinned packages, {records} records, the newest of {newest:%Y-%m-%d}, {len(set(found))} findings.")
    if found:
        return FOUND
    if (now or datetime.now(UTC)) - newest > STALE:
        print(f"The data are older than {STALE.days} days: what became known since then is in none of them.")
        return UNKNOWN
    return CLEAN


def pins(folder: Path) -> dict[str, set[str]]:
    """Return the pinned versions of all requirement files by canonical name."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.glob("*.txt")):
        for name, version in PIN.findall(path.read_text()):
            found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def advisories(data: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the records of a folder and its subfolders, or of a zip."""
    if data.is_dir():
        yield from (json.loads(path.read_text()) for path in sorted(data.rglob("*.json")))
        return
    with zipfile.ZipFile(data) as archive:
        yield from (json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json"))


def findings(record: Mapping[str, Any], known: Mapping[str, Iterable[str]]) -> Iterator[Finding]:
    """Yield the findings of a record for the pins; a withdrawn record has none."""
    if record.get("withdrawn"):
        return
    for affected in record.get("affected", ()):
        package = affected.get("package", {})
        if package.get("ecosystem") != "PyPI":
            continue
        name = canonicalize_name(str(package.get("name", "")))
        for pinned in known.get(name, ()):
            hit, fixed = _hit(affected, pinned)
            if hit:
                yield Finding(name, pinned, " ".join([str(record["id"]), *map(str, record.get("aliases", ()))]), fixed)


def _hit(affected: Mapping[str, Any], pinned: str) -> tuple[bool, str]:
    """Return whether this version is named or in a range, and the version that fixes it, "" for none."""
    version = Version(pinned)
    for one in affected.get("ranges", ()):
        if one.get("type") != "ECOSYSTEM":
            continue
        within, fixed = False, ""
        for kind, at in _in_order(one.get("events", ())):
            if kind == "introduced" and version >= at:
                within, fixed = True, ""
            elif kind == "fixed" and within:
                within, fixed = version < at, str(at)
                if within:
                    return True, fixed
            elif kind == "last_affected" and version > at:
                within = False
        if within:
            return True, fixed
    return pinned in affected.get("versions", ()), ""


def _in_order(events: Iterable[Mapping[str, str]]) -> list[tuple[str, Version]]:
    found = []
    for event in events:
        for kind, text in event.items():
            try:
                found.append((kind, Version(text)))
            except InvalidVersion:
                continue  # a version format that current packages cannot have; the list of versions names the old ones
    return sorted(found, key=lambda pair: (pair[1], pair[0] != "introduced"))


if __name__ == "__main__":
    sys.exit(main())
