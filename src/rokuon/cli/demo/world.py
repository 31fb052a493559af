"""The simulated Dialpad of a demo: stored in the data folder, so that the next start has the same company."""

import json
import os
import random
import select
import socket
import sys
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rokuon.base.addresses import Listen
from rokuon.base.i18n import _
from rokuon.cli.support.subprocesses import Child
from rokuon.config import Config
from rokuon.domain.failures import ConfigError

FILE = "demo.json"
PORTS = range(20_000, 32_000)
"""Below the range from which systems take ports for outgoing connections."""

CONSOLE_PORT = 8377
START_S = 60.0
ANSWER_S = 30.0


@dataclass(frozen=True)
class DemoWorld:
    """The parameters of a demo. `now_ms` is the time for which the calls were generated: it and the seed give the same calls again."""

    port: int
    seed: int
    recordings: int
    now_ms: int

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def load(folder: Path) -> DemoWorld | None:
    try:
        return DemoWorld(**json.loads((folder / FILE).read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise ConfigError(_("%(path)s is damaged. Start over with another --data.") % {"path": folder / FILE}) from None


def make(folder: Path, seed: int, recordings: int) -> DemoWorld:
    world = DemoWorld(_free_port(), seed, recordings, int(time.time() * 1000))
    fresh = folder / f"{FILE}.new"
    fresh.write_text(json.dumps(asdict(world)))
    fresh.replace(folder / FILE)
    return world


def _free_port() -> int:
    port = next(filter(_is_free, random.SystemRandom().sample(PORTS, 50)), None)
    if port is None:
        raise ConfigError(_("No free port was found on 127.0.0.1."))
    return port


def _is_free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


class RunningWorld:
    """The simulator as a child process. Use as a context manager."""

    def __init__(self, world: DemoWorld) -> None:
        self.world = world
        self.hello: dict[str, Any] = {}

    def __enter__(self) -> "RunningWorld":
        world = self.world
        options = [f"--port={world.port}", f"--seed={world.seed}", f"--recordings={world.recordings}", f"--now-ms={world.now_ms}"]
        self._child = Child([sys.executable, "-m", "rokuon.simulator", *options], keep_output=True)
        try:
            self.hello = json.loads(self._first_line())
            # Its clock starts at the time when the demo was created; set it to the real time.
            self._ask("POST", "advance", {"ms": max(0, int(time.time() * 1000) - int(self.hello["now_ms"]))})
        except BaseException:
            self._child.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._child.stop()

    @property
    def alive(self) -> bool:
        return self._child.alive

    def audio_requests(self) -> int:
        """Return the number of recordings requested since the last `forget`."""
        companies = self._ask("GET", "meter")["companies"].values()
        return sum(sum(company["audio_requests"].values()) for company in companies)

    def forget(self) -> None:
        self._ask("DELETE", "meter")

    def truth(self) -> list[dict[str, Any]]:
        """Return every recording as it is at the simulated Dialpad."""
        told: list[dict[str, Any]] = self._ask("GET", "truth?sha256=0")
        return told

    def script(self, faults: list[dict[str, Any]]) -> None:
        self._ask("PUT", "faults", faults)

    def end_call(self, center: int, talk_ms: int) -> list[int]:
        """End a call of this contact center now; return the ids of its recordings."""
        ids: list[int] = self._ask("POST", "end_call", {"center": center, "talk_ms": talk_ms})["recording_ids"]
        return ids

    def _first_line(self) -> bytes:
        output = self._child.process.stdout
        assert output is not None  # noqa: S101 - the child was started with keep_output
        ready, _w, _x = select.select([output], [], [], START_S)
        line = output.readline() if ready else b""
        if not line:
            said = (self._child.said().splitlines() or ["-"])[-1]
            raise ConfigError(
                _("The simulated Dialpad does not start on port %(port)d (%(said)s). End what uses the port, or use another --data.")
                % {"port": self.world.port, "said": said}
            )
        return line

    def _ask(self, method: str, what: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.world.base_url}/_simulator/{what}", data=data, method=method)  # noqa: S310 - our own address
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=ANSWER_S) as response:
            return json.load(response)


def own_environment(folder: Path) -> None:
    """Ignore an installation that this shell's environment may describe, but for the language and the console's address."""
    for name in [name for name in os.environ if name.startswith("ROKUON_") and name not in ("ROKUON_LANGUAGE", "ROKUON_LISTEN")]:
        del os.environ[name]
    os.environ["ROKUON_DATA_DIR"] = str(folder)


def command(shown: Path, listen: Listen) -> str:
    """Return the command line that calls `rokuon` on the demo, with the console's address if that is not the default."""
    plain = f"rokuon --data {shown}"
    return plain if listen == Listen("127.0.0.1", CONSOLE_PORT) else f"ROKUON_LISTEN={listen} {plain}"


def choose_console_address() -> Listen:
    """Return the address of ROKUON_LISTEN; without it the default port, or a free one if that is taken, and set the configuration to it.
    Raises ConfigError if the address of ROKUON_LISTEN is not valid or is in use."""
    if os.environ.get("ROKUON_LISTEN"):
        asked = Config.load().listens
        if not _is_free(asked.port, asked.host):
            raise ConfigError(
                _("ROKUON_LISTEN is %(listen)s, where the console cannot listen: another program does, or it is not of this machine.")
                % {"listen": asked}
            )
        return asked
    port = CONSOLE_PORT if _is_free(CONSOLE_PORT) else _free_port()
    os.environ["ROKUON_LISTEN"] = f"127.0.0.1:{port}"
    return Listen("127.0.0.1", port)
