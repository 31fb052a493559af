"""A Dialpad that runs on your machine: its API, audio, events, limits, and every way in which they can go wrong.

It imports nothing else of Rokuon, because it judges Rokuon. See server.Simulator (in a test), runner (beside a test), and
`python -m rokuon.simulator` (on its own); control.py lists what can be asked and done over HTTP while it runs.
"""

from .runner import SimulatorProcess, SimulatorThread
from .server import Simulator
from .switches import Switches
from .world import World, WorldSpec, build

__all__ = ["Simulator", "SimulatorProcess", "SimulatorThread", "Switches", "World", "WorldSpec", "build"]
