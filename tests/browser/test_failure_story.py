"""From the page of a cause to the verdict, as an admin does it in Chromium: retry, select all, touch, listen, without script (M12).

The tests share one installation in this order: the last one retries everything successfully.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from .rig import Console, running
from .screen import NARROW, WIDE, Screen, open_screen
from .test_every_page import violations

RECORDINGS = 24
PATIENCE_MS = 60_000
ELSEWHERE = {"endpoint": "media_blob", "action": {"kind": "redirect", "to": "http://cdn.elsewhere.example/a.mp3"}}
SMALL = """() => [...document.querySelectorAll('main a, main button, main input:not([type=hidden]), main summary')]
  .filter(one => one.checkVisibility()).map(one => [one.outerHTML.slice(0, 120), one.getBoundingClientRect()])
  .filter(([text, box]) => box.width < 24 || box.height < 24).map(([text, box]) => `${text} ${box.width}x${box.height}`)"""


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with running(f"--recordings={RECORDINGS}", "--days=25", "--talk=2,5,20") as console:
        console.add_companies()
        console.serve()
        console.work()
        yield console


Admin = Callable[..., Screen]


@pytest.fixture
def admin(console: Console, chromium: Browser) -> Iterator[Admin]:
    """admin(language, ...) opens a browser for an office's admin after every download was redirected to a host that is not allowed. By
    then Dialpad serves them again. In the end nothing may have gone wrong."""
    console.sim.control("PUT", "faults", [ELSEWHERE])
    console.rokuon("backup-now", "--relist")
    console.sim.control("DELETE", "faults")
    opened: list[Screen] = []
    cookies = console.sign_in([{"email": "admin@people.example", "role": "company_admin"}])

    def admin(language: str, **options: Any) -> Screen:
        opened.append(open_screen(chromium, console, cookies["admin@people.example"], language, **options))
        return opened[-1]

    yield admin
    for screen in opened:
        screen.close()
    assert [problem for screen in opened for problem in screen.problems] == []


def to_the_cause(screen: Screen, title: str) -> Page:
    screen.goto("/")
    screen.page.goto(screen.page.url + "failures/failed/source_redirect_blocked/")
    expect(screen.page.get_by_role("heading", level=1)).to_contain_text(title)
    expect(screen.page.locator("main")).to_contain_text("cdn.elsewhere.example")
    return screen.page


@pytest.mark.parametrize("width", [pytest.param(WIDE, marks=pytest.mark.slow), NARROW])
def test_everything_on_the_page_of_a_cause_can_be_touched_and_read_aloud(admin: Admin, width: int) -> None:
    screen = admin("ja", width=width)
    page = to_the_cause(screen, "「別のホストへの転送を拒否」")
    assert page.evaluate(SMALL) == []
    assert violations(screen) == []


def test_select_all_ticks_the_page_and_clearing_one_takes_all_back(admin: Admin) -> None:
    page = to_the_cause(admin("en"), "redirect to another host refused")
    everything, boxes = page.get_by_label("also those on other pages"), page.locator("#rows tbody input[type=checkbox]")
    everything.check()
    assert boxes.evaluate_all("all => all.every(one => one.checked)")
    boxes.first.uncheck()
    expect(everything).not_to_be_checked()
    everything.check()
    everything.uncheck()
    assert boxes.evaluate_all("all => !all.some(one => one.checked)")


def test_without_script_the_same_verdict_comes_by_reload(admin: Admin) -> None:
    page = to_the_cause(admin("ja", java_script_enabled=False), "「別のホストへの転送を拒否」")
    page.locator("#rows tbody input[type=checkbox]").first.check()
    page.get_by_role("button", name="選択した録音を再実行").click()
    expect(page.locator("main")).to_contain_text("録音をバックアップしました", timeout=PATIENCE_MS)


def test_a_cause_that_stays_is_the_verdict(console: Console, admin: Admin) -> None:
    page = to_the_cause(admin("en"), "redirect to another host refused")
    console.sim.control("PUT", "faults", [ELSEWHERE])
    try:
        page.get_by_role("button", name="Retry this cause").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("is backed up", timeout=PATIENCE_MS)
        expect(page.locator("#verdict")).to_contain_text("failed again: redirect to another host refused.")
    finally:
        console.sim.control("DELETE", "faults")


def test_two_clicks_from_the_cause_to_the_verdict_in_the_same_live_region(admin: Admin) -> None:
    screen = admin("en")
    page = to_the_cause(screen, "redirect to another host refused")
    page.get_by_role("button", name="Retry this cause").click()
    page.locator("#verdict").evaluate("one => { one.dataset.same = 'yes' }")
    expect(page.locator("main")).to_contain_text("recordings are backed up", timeout=PATIENCE_MS)
    assert page.locator("#verdict").get_attribute("data-same") == "yes", "a region that is replaced is not announced"
    expect(page.get_by_role("status").filter(has_text="All")).to_contain_text("recordings are backed up")
    assert "recordings are backed up" in page.title()
    assert violations(screen) == []
