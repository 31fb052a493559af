"""Time and memory of certificates from a ledger of a million recordings: of the company and of a target, over a month and over two years.

python -m bench.big_ledger --data FOLDER, then python -m bench.certificate --data FOLDER
"""

import argparse
import resource
import sys
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from .big_ledger import installed


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.certificate", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the installation")
    options = parser.parse_args()
    with ExitStack() as stack:
        installed(options.data.resolve(), stack)
        from rokuon.org.models import Company
        from rokuon.runtime.database_clock import DatabaseClock
        from rokuon.wiring import certificate, certificate_pdf
        from rokuon.wiring.certificate_sheet import sheet

        company = Company.objects.get(name="Big")
        target = company.targets.order_by("pk").first()
        now = DatabaseClock()()
        last = now.date() - timedelta(days=2)
        for name, days, only in (("company", 30, None), ("company", 730, None), ("target", 30, target), ("target", 730, target)):
            started = time.perf_counter()
            made = certificate.certify(company, last - timedelta(days=days - 1), last, now=now, made_by="bench", zone="", target=only)
            figures = time.perf_counter()
            size = len(certificate_pdf.write(sheet(made)))
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            sys.stdout.write(
                f"{name}, {days} days, {made.figures.sum.account.recordings:,} recordings: figures {figures - started:.1f} s, "
                f"PDF {time.perf_counter() - figures:.1f} s and {size / 1000:.0f} kB, this process at most {memory} MiB\n"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
