"""python -m bench: measure the first rows of docs/design/benchmarks.md, each beside its peer, print a table and write JSON."""

import argparse
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from . import ground, machine, report, row_budget, row_copying, row_live, row_requests

ROOT = Path("bench-data")
ROWS = {
    1: row_requests.measure,
    2: row_budget.measure,
    3: row_copying.measure,
    4: row_copying.measure,
    5: row_live.measure,
    6: row_live.measure,
}


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rows", default=",".join(map(str, ROWS)), help="which rows, such as 3,4 (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer recordings and one repeat: to see that it works, not to quote")
    parser.add_argument("--json", type=Path, default=None, help=f"where the samples go (default: {ROOT}/<time>.json)")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown too")
    options = parser.parse_args(argv)
    try:
        options.rows = sorted({int(row) for row in options.rows.split(",")})
    except ValueError:
        parser.error("--rows takes numbers separated by commas")
    if not set(options.rows) <= set(ROWS):
        parser.error(f"--rows: there are {', '.join(map(str, ROWS))}")
    return options


def main() -> int:
    """Run the benchmarks. Exit status 1 if a target is missed."""
    options = arguments()
    machine.install_peers()
    # SIGTERM is handled like Ctrl-C, so that every started process is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    lines: list[report.Line] = []
    with ground.opened(ROOT.resolve(), quick=options.quick) as shared, suppress(KeyboardInterrupt):
        # Ctrl-C stops the measuring; the results so far are shown.
        for measure in dict.fromkeys(ROWS[row] for row in options.rows):
            for line in measure(shared):
                lines += [line] if line.row in options.rows else []
    loads = shared.loads or [machine.load()]
    facts = machine.facts()
    report.show(lines, facts, loads)
    path = options.json or ROOT / f"{time.strftime('%Y-%m-%dT%H%M%S')}.json"
    report.write(path, lines, facts, loads)
    if options.markdown:
        sys.stdout.write(report.as_markdown(lines))
    return int(any(report.MISSES in line.verdict for line in lines))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
