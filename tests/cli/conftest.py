"""The real command as a process, against the simulator as a process and an embedded database. One installation for each module."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rokuon.base import i18n
from rokuon.config import Config
from rokuon.runtime import installation, postgres
from rokuon.simulator import SimulatorProcess
from tests import template
from tests.cli.fork_server import ForkServer
from tests.conftest import short_folder

from . import schemas

PATIENCE_S = 120


@cache
def server(language: str) -> ForkServer:
    return ForkServer(language)


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Rokuon:
    """`rokuon(...)` runs the command in a folder of its own, with nothing of the developer's settings."""

    def __init__(self, outer: Path, data: Path | None = None, **environment: str) -> None:
        self.outer, self.data = outer, data or outer / "data"
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "LANG": "C.UTF-8",
            "ROKUON_DATA_DIR": str(self.data),
            **environment,
        }

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Answer:
        """Run the command to its end, in a process with the libraries loaded (`fork_server`). JSON that it prints is as promised."""
        complete = {**self.environment, **environment}
        answer = Answer(*server(i18n.preferred(complete)).run(list(arguments), complete, self.outer, stdin, PATIENCE_S))
        if "--json" in arguments and answer.out:
            schemas.hold(arguments, answer.out)
        return answer

    def python(self, program: Path, asked: Any) -> Any:
        """Run a program beside the installation, as `__call__` runs commands; JSON in, JSON out."""
        told = server(i18n.preferred(self.environment)).run([], self.environment, self.outer, json.dumps(asked), PATIENCE_S, program)
        answer = Answer(*told)
        assert answer.code == 0, answer.err
        return answer.json

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "rokuon", *arguments],
            cwd=self.outer,
            env={**self.environment, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def folder(self, name: str) -> str:
        """A new folder in which local buckets may lie, as a bucket's URL."""
        path = self.data / "buckets" / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path.as_uri()


def on_database(outer: Path, url: str, **environment: str) -> Rokuon:
    """An installation whose database is there and migrated, made in this process: `rokuon init` would look at each migration again."""
    rokuon = Rokuon(outer, ROKUON_DATABASE_URL=url, **environment)
    installation.init(Config.load(rokuon.environment))
    return rokuon


@pytest.fixture(scope="module")
def sim() -> Iterator[SimulatorProcess]:
    with SimulatorProcess("--recordings=40", "--days=80", "--talk=3,10,30") as running:
        yield running


@pytest.fixture(scope="module")
def empty() -> Iterator[Rokuon]:
    """An initialised installation without a company. Its database keeps running, so that a command need not start it."""
    outer = short_folder()
    rokuon = Rokuon(outer)
    template.copy_to(rokuon.data)
    with postgres.ensure_running(rokuon.data):
        yield rokuon
    shutil.rmtree(outer)


@pytest.fixture
def desk(outer: Path, database_url: str) -> Rokuon:
    """An installation on the test's own database."""
    return on_database(outer, database_url)


@pytest.fixture(scope="module")
def ready(empty: Rokuon, sim: SimulatorProcess) -> Rokuon:
    """With a company, a bucket, settings and every rule enabled."""
    for arguments, stdin in (
        (("company", "add", "--base-url", sim.base_url, "--key-file", "-"), sim.key),
        (("bucket", "add", empty.folder("main")), ""),
        (("settings", "set", "--enable", "--bucket", empty.folder("main"), "--requests-per-second", "20"), ""),
        (("rule", "enable", "--all"), ""),
    ):
        answer = empty(*arguments, stdin=stdin)
        assert answer.code == 0, answer.err
    return empty


def interrupt(process: "subprocess.Popen[str]", number: int = signal.SIGINT) -> Answer:
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE_S)
    return Answer(process.returncode, out, err)


def processes_of(word: str) -> list[str]:
    """Command lines of living processes that hold the word, with their environment's data folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                line = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                if word.encode() in line:
                    found.append((entry / "cmdline").read_bytes().decode(errors="replace"))
        except (OSError, ValueError):
            continue
    return found


def wait_until(happened: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
