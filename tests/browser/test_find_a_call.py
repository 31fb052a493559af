"""Find a call by the phone number of the other party, in Chromium: how many clicks and keys it takes, on a phone, and without script."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from . import clicks
from .rig import Console, running
from .screen import NARROW, WIDE, Screen, open_screen
from .test_every_page import violations
from .test_failure_story import SMALL

WIDER = "() => document.documentElement.scrollWidth > innerWidth"


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with running("--recordings=24", "--days=25", "--talk=2,5,20") as console:
        console.add_companies()
        console.command("settings", "set", "--other-party", "full")
        console.command("backup-now")
        console.serve()
        yield console


@pytest.fixture(scope="module")
def number(console: Console) -> str:
    """The number of one of the calls, as its country writes it: 090 1234 5678."""
    recordings = json.loads(console.command("recordings", "--json"))["found"][0]["recordings"]
    number: str = next(one["number"] for one in recordings if one["number"] and one["number"].startswith("+81"))
    return f"0{number[3:5]}-{number[5:9]}-{number[9:]}"


Finder = Callable[..., Screen]


@pytest.fixture
def finder(console: Console, chromium: Browser) -> Iterator[Finder]:
    opened: list[Screen] = []
    cookies = console.sign_in([{"email": "finder@people.example", "role": "company_admin"}])

    def finder(language: str = "en", **options: object) -> Screen:
        opened.append(open_screen(chromium, console, cookies["finder@people.example"], language, **options))
        return opened[-1]

    yield finder
    for screen in opened:
        screen.close()
    assert [problem for screen in opened for problem in screen.problems] == []


def found(screen: Screen, number: str) -> Page:
    """From the overview: one click into the field, the number, Enter."""
    screen.goto("/")
    field = screen.page.get_by_role("searchbox").first
    field.click()
    field.fill(number)
    with screen.page.expect_navigation():
        field.press("Enter")
    return screen.page


@pytest.mark.parametrize(("language", "script"), [("en", True), ("ja", True), ("ja", False)])
def test_two_clicks_and_enter_from_any_page_to_the_recording_of_a_number(finder: Finder, number: str, language: str, script: bool) -> None:
    screen = finder(language, java_script_enabled=script)
    hand = clicks.watch(screen)
    page = found(screen, number)
    expect(page.get_by_role("heading", level=1)).to_contain_text("見つかりました" if language == "ja" else "found")
    expect(page.locator(".readings")).to_contain_text("電話番号" if language == "ja" else "Phone number")
    assert number.replace("-", "") not in page.url.replace("-", "")
    page.locator("main tbody th a").first.click()
    expect(page.locator("#call ~ dl")).to_contain_text(number[-4:])
    if script:
        assert hand.effort == clicks.documented("find a call by phone number")


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_pages_of_the_search_can_be_touched_read_aloud_and_fit(finder: Finder, number: str, language: str, width: int) -> None:
    screen = finder(language, width=width)
    page = found(screen, number)
    fits(screen)
    page.locator("main .actions a").first.click()
    page.wait_for_url(lambda url: "/recordings/?number=" in url)
    fits(screen)


def fits(screen: Screen) -> None:
    assert screen.page.evaluate(SMALL) == []
    assert violations(screen) == []
    assert screen.page.evaluate(WIDER) is False


def test_the_field_shows_what_was_sought_after_reload_language_and_back(finder: Finder, number: str) -> None:
    page = found(finder(), number)
    page.reload()
    expect(page.get_by_role("searchbox").first).to_have_value(number)
    page.get_by_role("button", name="日本語").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("見つかりました")
    expect(page.get_by_role("searchbox").first).to_have_value(number)
    page.locator("main tbody th a").first.click()
    page.go_back()
    expect(page.get_by_role("searchbox").first).to_have_value(number)


def test_a_ticked_recording_comes_as_a_zip(finder: Finder, number: str) -> None:
    page = found(finder(), number)
    page.locator("main .actions a").first.click()
    page.locator("tbody input[name=copy]").first.check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the selection").click()
    archive = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    assert archive.testzip() is None
    assert [name.rpartition(".")[2] for name in archive.namelist()] == ["mp3", "csv"]


def test_what_nobody_called_says_what_the_field_understands(finder: Finder) -> None:
    page = found(finder(), "+81 3 0000 0000")
    expect(page.get_by_role("heading", level=1)).to_have_text("No recording was found")
    expect(page.locator("main")).to_contain_text("The field understands")
