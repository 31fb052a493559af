"""How long the overview takes on a large ledger, at the 95th percentile: its statements one by one, and the whole pages, rendered.

python -m bench.console_overview --data FOLDER [--repeats 40]

FOLDER is what `python -m bench.big_ledger` filled. The pages are asked for in this process, by a company admin and by an admin of one
office, with two runs going on. CPU is this process's and, as a mean, that of its PostgreSQL backend (without parallel workers): on a busy
machine these are more meaningful than times. Exit status 1 where a page is slower than the target.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from .big_ledger import installed
from .machine import load

TARGET_MS = 500.0


@dataclass(frozen=True)
class Line:
    what: str
    p50: float
    p95: float
    cpu: float
    database_cpu: float
    page: bool = False


def measure(company_id: int, repeats: int) -> Iterator[Line]:
    yield from _statements(company_id, repeats)
    yield from _pages(company_id, repeats)


def _statements(company_id: int, repeats: int) -> Iterator[Line]:
    from django.utils import timezone

    from rokuon.console.metrics.read_model import load_metrics
    from rokuon.ledger import overview, read, tally
    from rokuon.org.models import Target
    from rokuon.org.tree import zone_of

    now = timezone.now()
    targets = list(Target.objects.filter(company_id=company_id).select_related("office"))
    ids = [target.pk for target in targets]
    month = (now - timedelta(days=60), now - timedelta(days=30))
    zones = {target.pk: zone_of(target) for target in targets[:25]}
    asked: dict[str, Callable[[], Any]] = {
        "counts by target": lambda: tally.counts_by_target(company_id),
        "counts by target, two years": lambda: tally.counts_by_target(company_id, ids, now - timedelta(days=730), now),
        "counts by target, thirty days": lambda: tally.counts_by_target(company_id, ids, *month),
        "causes": lambda: tally.causes(company_id, ids),
        "pending": lambda: tally.pending(company_id, ids),
        "verified in the last minute": lambda: tally.verified_recently(company_id, ids),
        "oldest unprotected": lambda: overview.oldest_unprotected(ids),
        "nothing to fetch": lambda: read.details_missing(company_id, ids),
        "totals by day, ninety days": lambda: tally.totals_by_day(company_id, ids, (now - timedelta(days=89)).date(), now.date()),
        "calendar of two years, 5 targets": lambda: overview.calendar(
            company_id, dict(list(zones.items())[:5]), (now - timedelta(days=730)).date(), now.date(), "bench"
        ),
        "metrics of all companies": lambda: load_metrics(now),
        "calendar, 25 targets": lambda: overview.calendar(company_id, zones, (now - timedelta(days=89)).date(), now.date(), "bench"),
    }
    for what, ask in asked.items():
        yield _time(what, ask, repeats)


def _pages(company_id: int, repeats: int) -> Iterator[Line]:
    from django.conf import settings
    from django.test import Client

    from rokuon.accounts.models import Membership, Person
    from rokuon.ledger.models import Coverage
    from rokuon.org.models import Company
    from rokuon.wiring.backup_now import fingerprint

    company = Company.objects.get(pk=company_id)
    Company.objects.filter(pk=company_id).update(api_key="benchmark")
    Coverage.objects.filter(target__company_id=company_id, fingerprint="bench").update(fingerprint=fingerprint(company))
    run = _runs(company_id)
    _past_runs(company_id)
    office = company.offices.order_by("pk").first()
    for who, place in (("company admin", None), ("office admin", office)):
        person, _new = Person.objects.get_or_create(email=f"{who.replace(' ', '.')}@bench.example")
        role = Membership.Role.OFFICE_ADMIN if place else Membership.Role.COMPANY_ADMIN
        Membership.objects.get_or_create(person=person, company=company, office=place, defaults={"role": role})
        browser = Client(headers={"host": next(host for host in settings.ALLOWED_HOSTS if host != "*")})
        browser.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
        for page in ("", "?page=2", "work/", "two-years/", "backup-now/", f"backup-now/{run}/throughput/"):
            url = f"/c/{company.public_id}/{page}"
            if browser.get(url).status_code != 200:
                raise RuntimeError(f"{url} answers {browser.get(url).status_code}")
            yield _time(f"{who}: /{page}", lambda browser=browser, url=url: browser.get(url), repeats, page=True)  # type: ignore[misc]


def _runs(company_id: int) -> int:
    """Open a run of the company and one of an office; return the first."""
    from django.utils import timezone

    from rokuon.ledger import runs
    from rokuon.org.models import Target

    now = timezone.now()
    targets = Target.objects.filter(company_id=company_id)
    first = targets.order_by("office_id").first()
    assert first is not None
    opened = []
    for kind, scope, ids in (
        ("company", 0, list(targets.values_list("pk", flat=True))),
        ("office", first.office_id, list(targets.filter(office_id=first.office_id).values_list("pk", flat=True))),
    ):
        opened.append(runs.open_run(company_id, kind, scope, ids, now - timedelta(days=730), now, now, relist=False)[0].pk)
    return opened[0]


def _past_runs(company_id: int) -> None:
    """A page of ended runs, of two years each, that ended on different days."""
    from django.utils import timezone

    from rokuon.console.runs.read_model import PAGE
    from rokuon.ledger.models import Run
    from rokuon.org.models import Target

    now, ids = timezone.now(), list(Target.objects.filter(company_id=company_id).values_list("pk", flat=True))
    for number in range(PAGE):
        ended = now - timedelta(days=3 * number, hours=number)
        Run.objects.create(
            company_id=company_id,
            purpose=Run.Purpose.BACK_UP_NOW,
            scope_kind="company",
            scope_id=0,
            targets=ids,
            since=ended - timedelta(days=730),
            until=ended,
            state=Run.State.FINISHED,
            created_at=ended,
            finished_at=ended,
            outcome={str(ids[0]): {"verified": 1, "failed": 1}},
        )


def _time(what: str, ask: Callable[[], Any], repeats: int, *, page: bool = False) -> Line:
    taken, cpu, backend = [], [], _backend_cpu_ms()
    for _ in range(repeats):
        began, burnt = time.perf_counter(), time.process_time()
        ask()
        taken.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - burnt) * 1000)
    return Line(
        what,
        statistics.median(taken),
        statistics.quantiles(taken, n=20)[-1],
        statistics.median(cpu),
        (_backend_cpu_ms() - backend) / repeats,
        page,
    )


def _backend_cpu_ms() -> float:
    """Return the CPU time of this process's connection to the embedded PostgreSQL, which runs on this machine."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        ((pid,),) = cursor.fetchall()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.console_overview", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the installation")
    parser.add_argument("--repeats", type=int, default=40, help="how often each is asked for (default: 40)")
    options = parser.parse_args()
    with ExitStack() as stack:
        installed(options.data.resolve(), stack)
        from rokuon.org.models import Company

        print(f"load {load()}")
        slow = False
        for line in measure(Company.objects.get(name="Big").pk, options.repeats):
            misses = line.page and line.p95 > TARGET_MS
            slow |= misses
            mark = "  MISSES" if misses else ""
            print(
                f"{line.what:32} p50 {line.p50:7.1f}  p95 {line.p95:7.1f} ms  CPU {line.cpu:6.1f} + {line.database_cpu:6.1f} ms{mark}",
                flush=True,
            )
        print(f"load {load()}; target of a page: p95 {TARGET_MS:.0f} ms")
    return int(slow)


if __name__ == "__main__":
    os.environ.setdefault("ROKUON_LOG_LEVEL", "warning")
    sys.exit(main())
