"""python -m rokuon.simulator: run a simulator until SIGTERM or SIGINT. Prints one JSON line (base URL, demo key, companies) at start."""

import argparse
import asyncio
import json
import signal
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from .control import summary
from .faults import BadFault
from .server import Simulator
from .switches import Switches, UnknownSwitch
from .world import WorldSpec


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rokuon simulator", description="A Dialpad on 127.0.0.1, for demos, tests and benchmarks.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--recordings", type=int, default=400, help="per company")
    parser.add_argument("--companies", type=int, default=1)
    parser.add_argument("--days", type=int, default=730, help="how far back the calls reach")
    parser.add_argument("--now-ms", type=int, default=None, help="the instant the world has reached; default: the clock")
    parser.add_argument(
        "--world",
        action="append",
        default=[],
        metavar="NAME=N",
        help="another count of the world: offices, centers, teams, users, other_lines",
    )
    parser.add_argument("--talk", default="3,45,180", help="seconds of talk: shortest,typical,longest")
    parser.add_argument(
        "--switch", action="append", default=[], metavar="NAME=VALUE", help=f"one of: {', '.join(f.name for f in fields(Switches))}"
    )
    parser.add_argument("--faults", type=Path, default=None, help="a JSON list of faults; see rokuon.simulator.faults")
    return parser.parse_args(argv)


def make(options: argparse.Namespace) -> Simulator:
    """Return the simulator that the options describe. Raises ValueError, with the option's name, for an option that is not valid."""
    counts: dict[str, int] = {}
    for setting in options.world:
        name, _, value = setting.partition("=")
        if name not in ("offices", "centers", "teams", "users", "ghosts", "other_lines", "calls") or not value.isdigit():
            raise ValueError(f"--world {setting!r}: NAME is offices, centers, teams, users, ghosts, other_lines or calls, N a number")
        counts[name] = int(value)
    shortest, typical, longest = (float(part) for part in options.talk.split(","))
    spec = WorldSpec(
        now_ms=options.now_ms if options.now_ms is not None else int(time.time() * 1000),
        seed=options.seed,
        companies=options.companies,
        recordings=options.recordings,
        days=options.days,
        talk_s=(shortest, typical, longest),
        **counts,  # type: ignore[arg-type]
    )
    faults: list[dict[str, Any]] = json.loads(options.faults.read_text("utf-8")) if options.faults is not None else []
    return Simulator(spec, Switches.parse(options.switch), faults, port=options.port)


async def run(sim: Simulator) -> None:
    """Serve until a signal to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with sim:
        sys.stdout.write(json.dumps(summary(sim), ensure_ascii=True) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main(argv: list[str] | None = None) -> int:
    """Run the command. Invalid options print one sentence and exit with status 2."""
    options = arguments(argv)
    try:
        asyncio.run(run(make(options)))
    except (UnknownSwitch, BadFault, ValueError, OSError) as exc:
        sys.stderr.write(f"rokuon simulator: {exc}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
