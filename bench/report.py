"""Results of a run: lines of a table with target and verdict, and all samples as JSON."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HOLDS, MISSES, REPORTED = "holds", "misses", "reported"
_STYLES = {HOLDS: "green", MISSES: "red"}


@dataclass
class Line:
    """One measure. `samples` are the single values of `measured` and `peer`, by name."""

    row: int
    what: str
    measured: str
    peer: str
    target: str
    verdict: str
    samples: dict[str, Any] = field(default_factory=dict)


def spread(values: Sequence[float], form: str = "{:.0f}") -> str:
    """Return the median, and the range if there are several values."""
    middle = form.format(statistics.median(values))
    return middle if len(values) < 2 else f"{middle} [{form.format(min(values))}-{form.format(max(values))}]"


def verdict(holds: bool) -> str:
    return HOLDS if holds else MISSES


def show(lines: Sequence[Line], machine: dict[str, Any], loads: Sequence[float]) -> None:
    table = Table(title="docs/design/benchmarks.md")
    for heading in ("row", "measure", "Rokuon", "peer", "target", "verdict"):
        table.add_column(heading, overflow="fold")
    for line in lines:
        style = next((color for word, color in _STYLES.items() if word in line.verdict), "yellow")
        table.add_row(str(line.row), line.what, line.measured, line.peer, line.target, f"[{style}]{line.verdict}[/]")
    console = Console(width=None if Console().is_terminal else 160)
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()), soft_wrap=True)
    console.print(f"Load of the machine between the runs: {spread(loads, '{:.1f}')}")


def write(path: Path, lines: Sequence[Line], machine: dict[str, Any], loads: Sequence[float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine, "loads": list(loads), "lines": [asdict(line) for line in lines]}, indent=1) + "\n")


def as_markdown(lines: Sequence[Line]) -> str:
    """Return the table for docs/design/benchmarks.md."""
    rows = [("Row", "Measure", "Rokuon", "Peer", "Target", "Verdict"), ("---",) * 6]
    rows += [(str(line.row), line.what, line.measured, line.peer, line.target, line.verdict) for line in lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
