"""Runs a simulator for synchronous code: in a thread of this process, or in its own process."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar

from .server import Simulator

T = TypeVar("T")
_START_S = 30.0
_STOP_S = 10.0


class SimulatorThread:
    """with SimulatorThread(Simulator(...)) as sim: reading sim is safe from any thread; run coroutines with run()."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulator", daemon=True)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the simulator's loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_S)

    def __enter__(self) -> Simulator:
        self._thread.start()
        self.run(self.sim.start())
        return self.sim

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        self.run(self.sim.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOP_S)
        self._loop.close()


class SimulatorProcess:
    """with SimulatorProcess("--recordings", "400") as sim: sim.base_url, sim.key, sim.control("GET", "meter")."""

    def __init__(self, *args: str) -> None:
        self._args = args
        self._process: subprocess.Popen[str] | None = None
        self.base_url = self.key = ""
        self.hello: dict[str, Any] = {}

    def control(self, method: str, what: str, body: object = None) -> Any:
        """Send a request to /_simulator/<what>. Raises urllib.error.HTTPError for a refusal."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base_url}/_simulator/{what}", data=data, method=method)  # noqa: S310 - own address
        with urllib.request.urlopen(request, timeout=_START_S) as response:  # noqa: S310
            return json.load(response)

    def __enter__(self) -> "SimulatorProcess":
        command = [sys.executable, "-m", "rokuon.simulator", *self._args]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ, PYTHONPATH=_import_path()))
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if not line:
            raise RuntimeError(f"the simulator ended with status {self._process.wait()} before it listened")
        self.hello = json.loads(line)
        self.base_url, self.key = self.hello["base_url"], self.hello["key"]
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _import_path() -> str:
    return os.pathsep.join(path for path in sys.path if path)
