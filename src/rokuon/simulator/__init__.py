"""Dialpad simulator for your machine: its API, audio, events, limits, and all kinds of faults.

It imports nothing else of Rokuon, because it judges Rokuon. See server.Simulator (in a test), runner (in a thread or process next to a
test), and `python -m rokuon.simulator` (standalone); control.py lists the requests for controlling it over HTTP while it runs.
"""

from .runner import SimulatorProcess, SimulatorThread
from .server import Simulator
from .switches import Switches
from .world import World, WorldSpec, build

__all__ = ["Simulator", "SimulatorProcess", "SimulatorThread", "Switches", "World", "WorldSpec", "build"]
