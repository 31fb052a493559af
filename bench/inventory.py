"""Time and memory of an inventory of a bucket with a million recordings.

python -m bench.big_ledger --data FOLDER, then python -m bench.inventory --data FOLDER [--wait-ms 200]

The bucket is a double: a file with Google's resources of all objects that the ledger calls verified, in byte order, read page by page and
parsed as the answers of Google are. `--wait-ms` is how long each answer takes. Nothing is missing, so that the pass itself is measured.
"""

import argparse
import asyncio
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from .big_ledger import installed


class ListedFile:
    """The part of a store that a pass without findings uses. Pages are read one after the other."""

    def __init__(self, path: Path, wait_s: float) -> None:
        self._lines, self._wait_s = path.open(), wait_s
        self._ahead = self._lines.readline()

    async def page(self, prefix: str, after: str = "", limit: int = 1000) -> Any:
        from rokuon.domain.bucket_listing import ListedPage
        from rokuon.stores.gcs_listed import listed

        await asyncio.sleep(self._wait_s)
        items = []
        while self._ahead and len(items) < limit:
            items.append(listed(json.loads(self._ahead)))
            self._ahead = self._lines.readline()
        return ListedPage(items, last=not self._ahead)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.inventory", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the installation")
    parser.add_argument("--wait-ms", type=float, default=0, help="how long an answer of the store takes")
    options = parser.parse_args()
    with ExitStack() as stack:
        installed(options.data.resolve(), stack)
        from rokuon.ledger import inventory_passes
        from rokuon.org.models import Bucket
        from rokuon.runtime.database_clock import DatabaseClock

        bucket = Bucket.objects.get(company__name="Big")
        path = options.data.resolve() / "listed.jsonl"
        _write(bucket.pk, path)
        now = DatabaseClock()() + timedelta(days=1)
        inventory_passes.InventoryPass.objects.filter(bucket=bucket).delete()
        one = inventory_passes.begin(bucket.company_id, bucket.pk, "bench", now)
        spent, started = time.process_time(), time.perf_counter()
        asyncio.run(_run(one, ListedFile(path, options.wait_ms / 1000), lambda: now))
        seconds, cpu = time.perf_counter() - started, time.process_time() - spent
        inventory_passes.finish(one.pk, now)
        one.refresh_from_db()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        sys.stdout.write(
            f"{one.objects_seen:,} objects in {one.pages:,} pages, {one.sights}: {seconds:.0f} s, {one.objects_seen / seconds:,.0f} a "
            f"second, {cpu:.0f} s of this process's CPU, which needed at most {memory} MiB\n"
        )
    return 0


def _write(bucket_id: int, path: Path) -> None:
    """Write what the bucket lists."""
    from django.db import connection, transaction

    from rokuon.stores.checksums import to_base64

    with transaction.atomic(), connection.cursor() as cursor, path.open("w") as out:
        cursor.execute(
            "DECLARE listed CURSOR FOR SELECT key, size, crc32c, md5, version FROM ledger_copy"
            " WHERE bucket_id = %s AND state = 'verified' ORDER BY key",
            [bucket_id],
        )
        while True:
            cursor.execute("FETCH 10000 FROM listed")
            rows = cursor.fetchall()
            for key, size, crc32c, md5, version in rows:
                item = {"name": key, "size": str(size), "generation": version or "1", "metageneration": "1", "storageClass": "STANDARD"}
                item |= {"timeCreated": "2026-03-04T01:02:03.456Z", "updated": "2026-03-04T01:02:03.456Z"}
                item |= {"crc32c": to_base64(crc32c)} if crc32c is not None else {}
                out.write(json.dumps(item | ({"md5Hash": md5} if md5 else {})) + "\n")
            if not rows:
                return


async def _run(one: Any, store: Any, clock: Callable[[], Any]) -> None:
    from rokuon.inventory.run_pass import PassContext, run_pass
    from rokuon.ledger.gateway import Database

    db = Database()

    async def call(function: Callable[..., Any], /, *arguments: Any) -> Any:
        return await db(function, *arguments)

    def recognise() -> Awaitable[Any]:
        return asyncio.sleep(0, store)

    await run_pass(one, PassContext(db=call, recognise=recognise, clock=clock))
    await db.close()


if __name__ == "__main__":
    sys.exit(main())
