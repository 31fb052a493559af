"""What custody files cost: the triggers, the first issue of a large ledger, the issue of a day, and one without a change.

python -m bench.custody --data FOLDER [--rows 1000000]

Makes the ledger of `bench.big_ledger` in FOLDER if it is not there. The files go into a store in memory, so that the figures are those of
the writer and of PostgreSQL; a real store adds one request for each object. Each run begins a new chain.
"""

import argparse
import asyncio
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from .big_ledger import fill, installed
from .machine import load
from .processes import tree_cpu_seconds

A_BACKFILL_MS = 1.91 + 0.36
"""CPU of a recording of 240 KiB into a local folder, of the worker and of PostgreSQL (docs/design/benchmarks.md)."""
A_DAY = 200
"""One of this many recordings changes on a day: 5,000 of a million."""


@dataclass(frozen=True)
class Cost:
    """One or several issues in a row. CPU in seconds: this process, and all of PostgreSQL."""

    what: str
    issues: int
    days: int
    objects: int
    bytes: int
    seconds: float
    cpu: float
    database_cpu: float


def measure(rokuon: Any, company_id: int) -> list[Cost]:
    from rokuon.custody.models import SealChain
    from rokuon.ledger.models import Copy
    from rokuon.org.models import Bucket
    from rokuon.stores.memory import MemoryStore

    bucket = Bucket.objects.get(company_id=company_id)
    SealChain.objects.filter(bucket=bucket).delete()
    mark_all(company_id)
    store = MemoryStore("bench")
    now = datetime.now().astimezone()
    found = [timed("first", rokuon, bucket.pk, store, now)]
    ids = list(Copy.objects.filter(bucket=bucket, state="verified").order_by("-call_started_at").values_list("pk", flat=True)[:100_000])
    changed = ids[: max(1, Copy.objects.filter(bucket=bucket).count() // A_DAY)]
    Copy.objects.filter(pk__in=changed).update(md5=f"{time.time_ns():024d}")
    found.append(timed("a day", rokuon, bucket.pk, store, now + timedelta(hours=24)))
    found.append(timed("no change", rokuon, bucket.pk, store, now + timedelta(hours=48)))
    return found


ROUNDS, ROWS, AT_ONCE = 5, 20_000, 100

UPDATE = "UPDATE ledger_copy SET md5 = %s WHERE id = ANY(%s)"
INSERT = """INSERT INTO ledger_call (target_id, call_id, started_at, was_recorded, recordings)
            SELECT target_id, %s || id, call_started_at, true, 1 FROM ledger_copy WHERE id = ANY(%s)"""


def trigger_cost(company_id: int, statement: str, table: str, trigger: str) -> tuple[float, float]:
    """Return the microseconds of PostgreSQL's CPU that a changed row takes without the trigger and with it, in statements of 100 rows: the
    least of several rounds, each rolled back."""
    from django.db import connection, transaction

    from rokuon.ledger.models import Copy

    newest = Copy.objects.filter(company_id=company_id, state="verified").order_by("-call_started_at")
    ids = list(newest.values_list("pk", flat=True)[:ROWS])
    took: dict[bool, list[float]] = {False: [], True: []}
    for number in range(2 * ROUNDS):
        with transaction.atomic(), connection.cursor() as cursor:
            if number % 2 == 0:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
            server = connection.connection.info.backend_pid
            began = tree_cpu_seconds(server)
            for start in range(0, len(ids), AT_ONCE):
                cursor.execute(statement, [f"{number}-", ids[start : start + AT_ONCE]])
            took[number % 2 == 1].append((tree_cpu_seconds(server) - began) * 1e6 / len(ids))
            transaction.set_rollback(True)
    return min(took[False]), min(took[True])


def as_listed() -> None:
    """Put the rows into the order in which a backfill enters them, newest call first; `fill` leaves them in no order at all."""
    from django.db import connection

    with connection.cursor() as cursor:
        for table, column in (("ledger_recording", "call_started_at"), ("ledger_copy", "call_started_at"), ("ledger_call", "started_at")):
            cursor.execute(f"CREATE INDEX as_listed ON {table} ({column} DESC)")
            cursor.execute(f"CLUSTER {table} USING as_listed")
            cursor.execute("DROP INDEX as_listed")
        cursor.execute("VACUUM ANALYZE")


def mark_all(company_id: int) -> None:
    """Mark all days as after a backfill."""
    from rokuon.ledger.sql import execute

    execute("DELETE FROM custody_waiting", [])
    execute("DELETE FROM custody_dirty", [])
    execute(
        """INSERT INTO custody_dirty (target_id, day, utc)
           SELECT DISTINCT target_id, day, false FROM ledger_copy WHERE company_id = %s
            UNION SELECT v.target_id, v.day, true FROM ledger_coverage v JOIN org_target t ON t.id = v.target_id WHERE t.company_id = %s""",
        [company_id, company_id],
    )


def timed(what: str, rokuon: Any, bucket_id: int, store: Any, now: datetime) -> Cost:
    """Make issues until nothing waits, and return what they took together."""
    from rokuon.custody.issue import IssueContext, issue
    from rokuon.custody.models import Waiting
    from rokuon.ledger.gateway import Database
    from rokuon.wiring.custody_keys import signing_pair

    postmaster = int((rokuon.folder / "postgres" / "postmaster.pid").read_text().split()[0])
    objects, size = count(store)
    began, cpu, database_cpu = time.monotonic(), time.process_time(), tree_cpu_seconds(postmaster)
    issues = days = 0

    async def one() -> int:
        db = Database()

        async def key(company_id: int, key_id: int | None) -> Any:
            return await db(signing_pair, rokuon.installation.vault, company_id, key_id)

        try:
            made = await issue(bucket_id, IssueContext(db, store, rokuon.installation.identity, key, now))
            return made.days
        finally:
            await db.close()

    while not issues or Waiting.objects.filter(bucket_id=bucket_id).exists():
        days += asyncio.run(one())
        issues += 1
    seconds, cpu, database_cpu = time.monotonic() - began, time.process_time() - cpu, tree_cpu_seconds(postmaster) - database_cpu
    now_objects, now_size = count(store)
    return Cost(what, issues, days, now_objects - objects, now_size - size, seconds, cpu, database_cpu)


def count(store: Any) -> tuple[int, int]:
    async def sizes() -> list[int]:
        return [one.size async for one in store.list("")]

    found = asyncio.run(sizes())
    return len(found), sum(found)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.custody", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the installation")
    parser.add_argument("--rows", type=int, default=1_000_000, help="how many recordings, if the ledger is made (default: a million)")
    parser.add_argument("--as-listed", action="store_true", help="first put the rows into the order of a backfill")
    options = parser.parse_args()
    with ExitStack() as stack:
        rokuon = installed(options.data.resolve(), stack)
        from rokuon.ledger.models import Copy
        from rokuon.org.models import Company

        known = Company.objects.filter(name="Big").first()
        company = known.pk if known else fill(options.rows)
        if options.as_listed:
            as_listed()
        rows = Copy.objects.filter(company_id=company).count()
        print(f"{rows:,} recordings, load {load()}")
        for what, statement, table, when in (
            ("recording verified", UPDATE, "ledger_copy", "custody_copy_updated"),
            ("call entered", INSERT, "ledger_call", "custody_call_inserted"),
        ):
            without, with_it = trigger_cost(company, statement, table, when)
            print(f"{what}: {without:.1f} µs of CPU a row without the trigger, {with_it:.1f} µs with it", flush=True)
        for cost in measure(rokuon, company):
            print(
                f"{cost.what:10} {cost.issues} issues  {cost.days:7,} days  {cost.objects:4} objects  {cost.bytes / 1e6:8.1f} MB  "
                f"{cost.seconds:7.1f} s  CPU {cost.cpu:6.1f} + {cost.database_cpu:6.1f} s",
                flush=True,
            )
            if cost.what == "first":
                share = (cost.cpu + cost.database_cpu) * 1000 / rows / A_BACKFILL_MS
                print(f"           {share:.1%} of the CPU of a backfill ({A_BACKFILL_MS} ms a recording)")
        print(f"load {load()}")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("ROKUON_LOG_LEVEL", "warning")
    sys.exit(main())
