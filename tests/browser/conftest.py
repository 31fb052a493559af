"""One running Rokuon and one Chromium for all tests here. Both end with this folder: Playwright's loop keeps Django's database code out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.console.routes import routes

from .rig import Console, running
from .screen import Screen, launch, open_screen

PLACES = Path(__file__).with_name("places.py")
FAULTY = {"endpoint": "media_blob", "share": 0.25, "action": {"kind": "zeros"}}
PEOPLE: dict[str, dict[str, Any]] = {
    "admin": {"role": "company_admin", "operator": True},
    "office": {"role": "office_admin", "office": 0},
    "viewer": {"role": "viewer"},
    "guest": {"role": "viewer"},
    "other": {"role": "company_admin", "company": 1},
}


@dataclass
class Place:
    """`cookies` are of PEOPLE; `values` what stands for the arguments of an address; `whole_pages` what test_every_page found for each."""

    console: Console
    cookies: dict[str, str]
    values: dict[str, Any]
    whole_pages: dict[str, list[str]] = field(default_factory=dict)

    def paths(self, who: str, values: Mapping[str, Any] | None = None) -> list[str]:
        """Every address of the router that this person can look at: for "", nobody, those that ask for no account; else the others."""
        named = self.values if values is None else values
        known = [route for route in routes() if route.guard is not None and "GET" in route.guard.methods]
        return [route.url(named) for route in known if route.guard is not None and route.guard.open == (who == "")]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def place() -> Iterator[Place]:
    """Two companies with odd names; the first has been backed up, but for a few bad recordings."""
    with running("--companies=2", "--recordings=40", "--days=80", "--talk=2,5,20") as console:
        console.sim.control("POST", "faults", FAULTY)
        console.add_companies(2)
        console.rokuon("backup-now", "--company", str(console.sim.hello["companies"][0]["id"]))
        mails = {name: f"{name}@people.example" for name in PEOPLE}
        cookies = console.sign_in([{"email": mails[name], **asked} for name, asked in PEOPLE.items()])
        values = console.python(PLACES, 0)
        console.serve()
        yield Place(console, {name: cookies[mail] for name, mail in mails.items()}, values)


Look = Callable[..., Screen]


@pytest.fixture
def look(chromium: Browser, place: Place) -> Iterator[Look]:
    """look(who, language, width, ...) opens a browser for one of PEOPLE ("" is nobody). In the end nothing may have gone wrong."""
    opened: list[Screen] = []

    def look(who: str = "admin", language: str = "en", **options: Any) -> Screen:
        opened.append(open_screen(chromium, place.console, place.cookies[who] if who else "", language, **options))
        return opened[-1]

    yield look
    for screen in opened:
        screen.close()
    assert [problem for screen in opened for problem in screen.problems] == []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Hostile names last: they stay, and a search by name finds other things afterwards."""
    items.sort(key=lambda item: "test_hostile_names" in item.nodeid)
