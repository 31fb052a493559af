"""From an empty installation to the first verified recording, in the browser alone, in both languages (page 1, set-up)."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from . import clicks
from .rig import Console, running
from .screen import Screen, open_screen

PASSWORD = "a long walk by the river 27"
DONE_WITHIN_MS = 60_000
WORDS = {
    "en": ("Next: Bucket", "Everything is set up"),
    "ja": ("次の手順：バケット", "設定は完了です"),
}


@pytest.fixture(scope="module")
def empty() -> Iterator[Console]:
    """Two companies at Dialpad, none of them registered here; a worker runs."""
    with running("--companies=2", "--recordings=20", "--days=40", "--talk=2,5,10") as console:
        console.serve()
        console.work()
        yield console


@pytest.mark.parametrize(("number", "language"), [(0, "en"), pytest.param(1, "ja", marks=pytest.mark.slow)])
def test_a_newcomer_comes_from_nothing_to_the_first_verified_recording(
    chromium: Browser, empty: Console, number: int, language: str
) -> None:
    screen = open_screen(chromium, empty, language=language)
    page, hand = screen.page, clicks.watch(screen)
    _sign_in(screen, empty, hand)
    _add_company(screen, empty, number, hand)
    expect(page.locator("h1")).to_have_text(WORDS[language][0])
    set_up = page.url.removeprefix(screen.address)
    _register_folder(page, empty, f"from-nothing-{number}")
    _next(page, "enable")
    page.check("input[name=enabled]")
    page.select_option("select[name=bucket]", index=1)
    page.click("main button.primary")
    _next(page, "rules")
    page.click("[data-select-all='#rule-list']:not([data-value])")
    assert all(box.is_checked() for box in page.locator("#rule-list input[type=checkbox]").all())
    page.click("main button.primary")
    page.click("main button.primary")
    _next(page, "backup")
    page.click("main button.primary")
    page.click("main button.primary")
    expect(page).to_have_url(re.compile(r"/backup-now/\d+/"))
    assert _verified(screen, set_up)
    expect(page.locator("h1")).to_have_text(WORDS[language][1])
    expect(page.locator(".step-done")).to_have_count(7)
    if not number:
        assert hand.effort == clicks.documented("from nothing to the first verified recording")
    assert screen.problems == []
    screen.close()


def _sign_in(screen: Screen, console: Console, hand: clicks.Hand) -> None:
    """By the operator's one-time link; the first time a password is chosen."""
    found = re.search(r"/link/\S+", console.command("admin-link"))
    assert found is not None
    hand.click()
    screen.goto(found[0])
    screen.page.click("main button")
    for field in screen.page.locator("main input[type=password]:not(#api-key)").all():
        field.fill(PASSWORD)
    if "/password/" in screen.page.url:
        screen.page.click("main button")


def _add_company(screen: Screen, console: Console, number: int, hand: clicks.Hand) -> None:
    page = screen.page
    if number:
        screen.goto("/companies/new/")
    expect(page).to_have_url(f"{screen.address}/companies/new/")
    with hand.aside():
        page.fill("#address", console.sim.base_url)
        page.fill("#api-key", "no-such-key-0123456789")
        page.click("main button.primary")
        expect(page.locator("main [role=alert]")).to_contain_text("401")
    page.fill("#address", console.sim.base_url)
    page.fill("#api-key", console.sim.hello["companies"][number]["keys"][0])
    page.click("main button.primary")


def _register_folder(page: Page, console: Console, name: str) -> None:
    console.rokuon.folder(name)
    page.click("#bucket .actions a")
    page.check("input[name=kind][value=folder]")
    page.fill("#bucket-folder", name)
    page.click("main button.primary")
    expect(page).to_have_url(re.compile(r"/settings/buckets/\d+/"))


def _next(page: Page, step: str) -> None:
    """By the trail to the set-up page, and from its open step to where it is done."""
    expect(page.locator(f".trail a[href$='#{step}']")).to_be_visible()
    page.click(".trail a")
    page.click(f"#{step} .actions a")


def _verified(screen: Screen, set_up: str) -> bool:
    for _second in range(DONE_WITHIN_MS // 1000):
        screen.goto(set_up)
        if screen.page.locator("#verified.step-done").count():
            return True
        screen.page.wait_for_timeout(1000)
    return False
