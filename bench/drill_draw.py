"""Time and memory of drawing the sample of a restore drill from a million recordings, and of choosing those that a bucket verification
looks for.

python -m bench.big_ledger --data FOLDER, then python -m bench.drill_draw --data FOLDER
"""

import argparse
import resource
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from .big_ledger import installed


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.drill_draw", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the installation")
    options = parser.parse_args()
    with ExitStack() as stack:
        installed(options.data.resolve(), stack)
        from django.db import transaction

        from rokuon.ledger import drills, inventory
        from rokuon.ledger.drills import Lot
        from rokuon.org.models import Bucket
        from rokuon.runtime.database_clock import DatabaseClock

        bucket = Bucket.objects.get(company__name="Big")
        now = DatabaseClock()()
        times = []
        for _ in range(20):
            started = time.perf_counter()
            inventory.some_verified(bucket.pk)
            times.append(time.perf_counter() - started)
        sys.stdout.write(f"chosen before a bucket is marked: {min(times) * 1000:.0f} to {max(times) * 1000:.0f} ms\n")
        for below in (1_000, 100):
            lot = Lot("bench", 950_000, below)
            started = time.perf_counter()
            sample = drills.look(bucket.company_id, bucket.pk, lot, now)
            looked = time.perf_counter()
            with transaction.atomic():
                drills.begin(bucket.company_id, bucket.pk, lot, "bench", now)
                begun = time.perf_counter()
                transaction.set_rollback(True)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            sys.stdout.write(
                f"{sample.drawn:,} of {sample.population:,}: look {looked - started:.1f} s, draw and keep {begun - looked:.1f} s, "
                f"this process at most {memory} MiB\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
