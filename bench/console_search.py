"""How long the search of the page Recordings takes, at the 95th percentile, for the filters that people use and for those that fit nothing.

python -m bench.console_search --data FOLDER [--repeats 40]

FOLDER is what `python -m bench.big_ledger` filled. Each search runs for the whole company, for one office and for one target, at the
newest end, by following the cursors to older pages and back, and from the middle of the two years. Exit status 1 where one is slower than
the target.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .big_ledger import RARE_AGENT, installed

TARGET_MS = 150.0
FILTERS: dict[str, dict[str, str]] = {
    "no filter": {},
    "state verified": {"state": "verified"},
    "state failed": {"state": "failed"},
    "state excluded": {"state": "excluded"},
    "state pending": {"state": "pending"},
    "reason": {"reason": "recording_forbidden"},
    "reason that nothing has": {"reason": "checksum_refused"},
    "reason in a state that has none": {"reason": "recording_gone", "state": "pending"},
    "agent": {"agent": "山田 太郎 41"},
    "agent, a part that fits many": {"agent": "a"},
    "agent, rare": {"agent": RARE_AGENT},
    "agent that nobody has": {"agent": "Nobody At All"},
    "agent, rare, and state failed": {"agent": RARE_AGENT, "state": "failed"},
    "agent, many, and state gone": {"agent": "a", "state": "gone"},
    "agent, many, and reason": {"agent": "a", "reason": "object_occupied"},
    "call id": {"call_id": "1500400000"},
    "call id that nothing has": {"call_id": "7"},
    "recording id": {"recording_id": "1000400000"},
    "recording id that nothing has": {"recording_id": "7"},
}


@dataclass(frozen=True)
class Line:
    scope: str
    filters: str
    place: str
    p50: float
    p95: float
    found: int


def measure(company: int, repeats: int) -> Iterator[Line]:
    from rokuon.ledger import search
    from rokuon.org.models import Target

    ids = list(Target.objects.filter(company_id=company).order_by("pk").values_list("pk", "office_id"))
    offices = sorted({office for _, office in ids})
    scopes = {
        "company": [target for target, _ in ids],
        "office": [target for target, office in ids if office == offices[-1]],
        "target": [ids[-1][0]],
    }
    day = datetime.now(UTC) - timedelta(days=400)
    for scope, targets in scopes.items():
        newest = [search.Within(target) for target in targets]
        for name, words in FILTERS.items():
            filters = search.CopyFilters(**words)
            first = search.find(company, newest, filters)
            places: dict[str, tuple[list[Any], str]] = {"newest": (newest, "")}
            if first.older:
                places["older"] = (newest, first.older)
                places["back"] = (newest, search.find(company, newest, filters, first.older).newer)
            places["a day"] = (_days(targets, day, 1), "")
            places["a quarter"] = (_days(targets, day, 90), "")
            for place, (within, cursor) in places.items():
                yield _time(scope, name, place, lambda w=within, f=filters, c=cursor: search.find(company, w, f, c), repeats)


def _days(targets: list[int], since: datetime, days: int) -> list[Any]:
    from rokuon.ledger import search

    return [search.Within(target, since, since + timedelta(days=days)) for target in targets]


def _time(scope: str, filters: str, place: str, ask: Any, repeats: int) -> Line:
    taken = []
    found = 0
    for _ in range(repeats):
        began = time.perf_counter()
        found = len(ask().copies)
        taken.append((time.perf_counter() - began) * 1000)
    return Line(scope, filters, place, statistics.median(taken), statistics.quantiles(taken, n=20)[-1], found)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.console_search", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the installation")
    parser.add_argument("--repeats", type=int, default=40, help="how often each search runs (default: 40)")
    options = parser.parse_args()
    with ExitStack() as stack:
        installed(options.data.resolve(), stack)
        from rokuon.org.models import Company

        lines = list(measure(Company.objects.get(name="Big").pk, options.repeats))
    for line in lines:
        mark = "  MISSES" if line.p95 > TARGET_MS else ""
        print(f"{line.scope:8} {line.filters:34} {line.place:10} {line.found:3} found  p50 {line.p50:6.1f}  p95 {line.p95:6.1f} ms{mark}")
    worst = max(lines, key=lambda line: line.p95)
    print(
        f"worst p95 {worst.p95:.1f} ms of {len(lines)} searches ({worst.scope}, {worst.filters}, {worst.place}); target {TARGET_MS:.0f} ms"
    )
    return int(worst.p95 > TARGET_MS)


if __name__ == "__main__":
    os.environ.setdefault("ROKUON_LOG_LEVEL", "warning")
    sys.exit(main())
