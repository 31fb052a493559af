"""A simulated Dialpad of two companies over HTTP, and an installation whose pages talk to it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.test import Client

from rokuon.accounts.models import Person
from rokuon.config import Config
from rokuon.console.web.installation import installation
from rokuon.org.models import Company as OurCompany
from rokuon.runtime import installation as installations
from rokuon.simulator import Simulator, SimulatorThread, Switches, WorldSpec
from rokuon.simulator.keys import SCOPES
from rokuon.simulator.model import Company
from rokuon.wiring import key_check

CANARY = "dp-canary-77f0a1b2c3d4e5f6-Zq9x"


@dataclass
class Dialpad:
    """`first` and `second` are its companies; `key` makes a further key of one."""

    sim: Simulator

    @property
    def first(self) -> Company:
        return self.sim.world.first

    @property
    def second(self) -> Company:
        return list(self.sim.world.companies.values())[1]

    def key(self, secret: str, company: Company | None = None, scopes: frozenset[str] = SCOPES, admin: bool = True) -> str:
        return self.sim.keys.add((company or self.first).id, secret, scopes, admin).secret


@pytest.fixture
def dialpad(monkeypatch: pytest.MonkeyPatch) -> Iterator[Dialpad]:
    # A person waits for a second or two; a test need not.
    monkeypatch.setattr(key_check, "CHECK_PER_SECOND", 500.0)
    world = WorldSpec(now_ms=int(time.time() * 1000), companies=2, recordings=30, days=20, talk_s=(3.0, 5.0, 10.0), long_call_s=0)
    sim = Simulator(world, Switches(limit_per_second=0))
    with SimulatorThread(sim):
        yield Dialpad(sim)


@pytest.fixture
def installed(outer: Path, embedded_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the console finds in its environment."""
    monkeypatch.setenv("ROKUON_DATA_DIR", str(outer / "installation"))
    monkeypatch.setenv("ROKUON_DATABASE_URL", embedded_dsn)
    installations.init(Config.load())
    installation.cache_clear()
    yield
    installation.cache_clear()


def operator(email: str = "operator@example.com", language: str = "en") -> Client:
    """A browser in which an operator without any company is signed in."""
    person = Person.objects.create(email=email, is_operator=True, language=language)
    browser = Client()
    browser.force_login(person)
    return browser


def add(browser: Client, dialpad: Dialpad, key: str) -> OurCompany:
    """The company that the form has added."""
    answer = browser.post("/companies/new/", {"address": dialpad.sim.base_url, "key": key})
    assert answer.status_code == 303, answer.content.decode()
    return OurCompany.objects.get(public_id=answer["Location"].split("/")[2])
