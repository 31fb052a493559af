"""From an empty installation to the first verified recording, in the browser alone but for the very first link, with a real worker."""

import gettext
import json
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from rokuon.ops.i18n import LOCALE_DIR

from .rig import Console, running
from .screen import Screen, open_screen

PATIENCE_MS = 90_000
expect.set_options(timeout=20_000)


@pytest.fixture
def empty() -> Iterator[Console]:
    with running("--recordings=12", "--days=20", "--talk=1,2,4", "--world=centers=3") as console:
        console.serve()
        console.work()
        yield console


@pytest.fixture(params=["en", "ja"])
def newcomer(request: pytest.FixtureRequest, chromium: Browser, empty: Console) -> Iterator[Screen]:
    screen = open_screen(chromium, empty, language=request.param)
    yield screen
    screen.close()
    assert screen.problems == []


def words_in(language: str) -> Callable[[str], str]:
    return gettext.translation("django", LOCALE_DIR, languages=[language], fallback=True).gettext


def test_a_newcomer_is_led_from_nothing_to_the_first_verified_recording(empty: Console, newcomer: Screen) -> None:
    page = newcomer.page
    page.goto(json.loads(empty.command("admin-link", "--json"))["url"])
    say = words_in(page.locator("html").get_attribute("lang") or "")

    def press(words: str) -> None:
        page.get_by_role("button", name=say(words), exact=True).click()

    press("Sign in")
    page.get_by_label(say("New password"), exact=True).fill("correct horse battery staple")
    press("Save")
    page.goto(empty.address + "/")
    expect(page.locator("#address")).to_be_visible()
    page.fill("#address", empty.sim.base_url)
    page.fill("#api-key", "not a key")
    press("Check the key and add the company")
    expect(page.get_by_role("alert")).to_be_visible()
    page.fill("#api-key", empty.sim.key)
    press("Check the key and add the company")
    expect(page.locator("#key.step-done")).to_be_visible()
    expect(page.locator("#directory.step-done")).to_be_visible()
    home = page.url.partition("#")[0]

    go_on(page, home, "bucket")
    empty.rokuon.folder("first")
    page.locator("input[name=kind][value=folder]").check()
    page.fill("#bucket-folder", "first")
    press("Register and verify")
    expect(page.locator("main")).to_contain_text(re.compile(r"first"))
    page.goto(home)
    expect(page.locator("#bucket.step-done")).to_be_visible()

    go_on(page, home, "enable")
    page.check("#set-enabled")
    page.select_option("#set-bucket", index=1)
    confirm(page, say("Save"))
    go_on(page, home, "rules")
    press("Tick all shown")
    confirm(page, say("Save"))
    go_on(page, home, "backup")
    press("Show the plan")
    press("Start")
    expect(page.locator("#progress .state-finished")).to_be_visible(timeout=PATIENCE_MS)

    page.goto(home)
    expect(page.get_by_role("heading", level=1)).to_have_text(say("Everything is set up"))
    assert page.locator(".step:not(.step-done)").count() == 0
    assert list((empty.rokuon.data / "buckets" / "first").rglob("*.mp3")), "the recordings are in the bucket"


def go_on(page: Page, home: str, step: str) -> None:
    """Follow what the checklist offers as the next step, which is this one."""
    page.goto(home)
    expect(page.locator(f"#{step} details[open]")).to_be_visible()
    page.locator(f"#{step} .actions a.primary").click()


def confirm(page: Page, save: str) -> None:
    """Save, and once more where the effect is shown first."""
    page.get_by_role("button", name=save, exact=True).click()
    page.wait_for_load_state()
    if page.locator("form:has(input[name=confirmed])").count():
        page.locator("form:has(input[name=confirmed]) button.primary").click()
        page.wait_for_load_state()
