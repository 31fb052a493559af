"""How long the searches of the console take, at the 95th percentile, for what people ask for and for what fits nothing.

python -m bench.console_search --data FOLDER [--repeats 40]

FOLDER is what `python -m bench.big_ledger` filled. Each search runs for the whole company, for one office and for one target, at the
newest end, by following the cursors to older pages and back, and from the middle of the two years; for the company also in every order,
and its totals. Then the field in the header is measured as a whole: what a text is understood as, all it finds, and the totals of that.
Exit status 1 where one is slower than its target.
"""

import argparse
import hashlib
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from .big_ledger import OFTEN, RARE_AGENT, installed

TARGET_MS = 150.0
WHOLE_TARGET_MS = 500.0
"""Of another order, of totals, and of the field in the header."""
TEXTS = (
    "1500400000",
    "1000400000",
    "山田 太郎 41",
    "太郎 山田",
    "a",
    "Nobody At All",
    "2026-02-03",
    "2026年2月",
    "090-1234-5678",
    "+81 3 1234 5678",
)
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
    "number": {"number": hashlib.md5(b"4711", usedforsecurity=False).hexdigest()},
    "number that calls often": {"number": OFTEN},
    "number that nobody has": {"number": "-"},
}


@dataclass(frozen=True)
class Line:
    """One search. `target` is the limit of its 95th percentile, in ms."""

    scope: str
    filters: str
    place: str
    p50: float
    p95: float
    found: int
    target: float = TARGET_MS


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


def orders(company: int, repeats: int) -> Iterator[Line]:
    """Measure the totals and the other orders of every filter, for the whole company."""
    from rokuon.ledger import search
    from rokuon.org.models import Target

    within = [search.Within(target) for target in Target.objects.filter(company_id=company).values_list("pk", flat=True)]
    for name, words in FILTERS.items():
        yield from _whole(company, name, within, search.CopyFilters(**words), repeats)


def _whole(company: int, name: str, within: list[Any], filters: Any, repeats: int) -> Iterator[Line]:
    """Measure the totals of a search, and its other orders."""
    from rokuon.ledger import search, search_order, search_totals

    def total() -> int:
        return search_totals.totals(company, within, filters).copies

    yield _time("company", name, "totals", total, repeats, WHOLE_TARGET_MS)
    for order in search_order.ORDERS.values():
        if order is not search_order.NEWEST:
            ask = partial(search.find, company, within, filters, order=order)
            yield _time("company", name, order.name, ask, repeats, WHOLE_TARGET_MS)


def field(company_id: int, vault: Any, repeats: int) -> Iterator[Line]:
    """Measure the field in the header."""
    from rokuon.org.models import Company, Target
    from rokuon.wiring import recording_search

    company = Company.objects.get(pk=company_id)
    ids = list(Target.objects.filter(company=company).values_list("pk", flat=True))
    today = datetime.now(UTC).date()
    for text in TEXTS:

        def ask(text: str = text) -> int:
            return recording_search.find(company, ids, text, vault, today, "Asia/Tokyo").copies

        yield _time("company", text, "field", ask, repeats, WHOLE_TARGET_MS)


def _days(targets: list[int], since: datetime, days: int) -> list[Any]:
    from rokuon.ledger import search

    return [search.Within(target, since, since + timedelta(days=days)) for target in targets]


def _time(scope: str, filters: str, place: str, ask: Any, repeats: int, target: float = TARGET_MS) -> Line:
    taken = []
    found = 0
    for _ in range(repeats):
        began = time.perf_counter()
        answer = ask()
        found = answer if isinstance(answer, int) else len(answer.copies)
        taken.append((time.perf_counter() - began) * 1000)
    return Line(scope, filters, place, statistics.median(taken), statistics.quantiles(taken, n=20)[-1], found, target)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.console_search", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the installation")
    parser.add_argument("--repeats", type=int, default=40, help="how often each search runs (default: 40)")
    parser.add_argument("--part", action="append", choices=("list", "orders", "field"), help="only this part; may be repeated")
    options = parser.parse_args()
    with ExitStack() as stack:
        installation = installed(options.data.resolve(), stack).installation
        from rokuon.org.models import Company
        from rokuon.wiring import other_party

        company = Company.objects.get(name="Big")
        other_party.number_key(company, installation.vault)
        parts = {
            "list": lambda: measure(company.pk, options.repeats),
            "orders": lambda: orders(company.pk, options.repeats),
            "field": lambda: field(company.pk, installation.vault, options.repeats),
        }
        lines = [line for part in options.part or parts for line in parts[part]()]
    for line in lines:
        mark = "  MISSES" if line.p95 > line.target else ""
        print(f"{line.scope:8} {line.filters:34} {line.place:10} {line.found:3} found  p50 {line.p50:6.1f}  p95 {line.p95:6.1f} ms{mark}")
    for target in sorted({line.target for line in lines}):
        of_it = [line for line in lines if line.target == target]
        worst = max(of_it, key=lambda line: line.p95)
        where = f"{worst.scope}, {worst.filters}, {worst.place}"
        print(f"worst p95 {worst.p95:.1f} ms of {len(of_it)} searches ({where}); target {target:.0f} ms")
    return int(any(line.p95 > line.target for line in lines))


if __name__ == "__main__":
    os.environ.setdefault("ROKUON_LOG_LEVEL", "warning")
    sys.exit(main())
