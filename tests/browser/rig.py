"""A whole Rokuon as people run it: database, simulated Dialpad, web server and, where asked for, a worker, each a process of its own."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from rokuon.runtime import postgres
from rokuon.simulator import SimulatorProcess
from tests import template
from tests.cli.conftest import Rokuon
from tests.conftest import short_folder

START_S = 60.0
STOP_S = 40.0
PEOPLE, COMMANDS = (Path(__file__).with_name(name) for name in ("people.py", "commands.py"))


class Console:
    """`rokuon(...)` runs commands, `sim` is Dialpad, `address` the web server. Use `running()` to make one."""

    def __init__(self, rokuon: Rokuon, sim: SimulatorProcess, stack: ExitStack) -> None:
        self.rokuon, self.sim, self._stack = rokuon, sim, stack
        self.address = f"http://127.0.0.1:{free_port()}"
        rokuon.environment |= {"ROKUON_PUBLIC_URL": self.address, "ROKUON_LISTEN": self.address.partition("//")[2]}
        self.cookie_name = ""

    def command(self, *arguments: str, stdin: str = "") -> str:
        """What the command said. Fails where it fails."""
        answer = self.rokuon(*arguments, stdin=stdin)
        assert answer.code == 0, f"rokuon {' '.join(arguments)}: {answer.code}\n{answer.out}\n{answer.err}"
        return answer.out

    def python(self, program: Path, asked: Any) -> Any:
        """Run a program of this folder beside the installation; JSON in, JSON out."""
        return self.rokuon.python(program, asked)

    def sign_in(self, people: Sequence[dict[str, Any]]) -> dict[str, str]:
        """The session cookie of each person (arguments of `people.make`), by e-mail address. Who does not exist yet is made."""
        cookies: dict[str, str] = self.python(PEOPLE, people)
        self.cookie_name = cookies.pop("")
        return cookies

    def add_companies(self, count: int = 1) -> None:
        """Companies of the simulator, each with a folder as its bucket and all rules enabled."""
        commands: list[tuple[list[str], str]] = []
        for number, known in enumerate(self.sim.hello["companies"][:count]):
            url, company = self.rokuon.folder(f"bucket-{number}"), ["--company", str(known["id"])]
            commands += [
                (["company", "add", "--base-url", self.sim.base_url, "--key-file", "-"], known["keys"][0]),
                (["bucket", "add", url, *company], ""),
                (["settings", "set", *company, "--enable", "--bucket", url, "--requests-per-second", "1000", "--above-dialpad-limit"], ""),
                (["rule", "enable", "--all", *company], ""),
            ]
        self.python(COMMANDS, commands)

    def serve(self) -> None:
        """Start the web server and wait until it answers."""
        self._process("serve", [sys.executable, "-m", "rokuon", "serve", "--processes=1"])
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert time.monotonic() < deadline, f"the web server does not answer:\n{self.said('serve')}"
            time.sleep(0.1)

    def work(self) -> None:
        """Start a worker; it ends with the console."""
        self._process("worker", [sys.executable, "-m", "rokuon", "worker"])

    def said(self, name: str) -> str:
        """What the process wrote so far."""
        return (self.rokuon.outer / f"{name}.log").read_text(errors="replace")

    def _process(self, name: str, command: list[str]) -> None:
        log: IO[bytes] = self._stack.enter_context((self.rokuon.outer / f"{name}.log").open("wb"))
        process = subprocess.Popen(
            command, env=self.rokuon.environment, cwd=self.rokuon.outer, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        self._stack.callback(_stop, process)

    def _answers(self) -> bool:
        try:
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.address + "/", timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


@contextmanager
def running(*simulator: str, **environment: str) -> Iterator[Console]:
    """An installation without a company, a simulator with these options; everything ends with the block."""
    outer = short_folder()
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, outer)
        rokuon = Rokuon(outer, **environment)
        console = Console(rokuon, stack.enter_context(SimulatorProcess(*simulator, "--switch=limit_per_second=0")), stack)
        template.copy_to(rokuon.data)
        stack.enter_context(postgres.ensure_running(rokuon.data))
        yield console


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
