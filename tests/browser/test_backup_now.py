"""Back up now as a person does it: from the plan to the last recording, against the real server, worker and simulated Dialpad (M11)."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from .rig import Console, running
from .screen import NARROW, Screen, open_screen
from .test_every_page import violations

SLOW = {"endpoint": "media_blob", "action": {"kind": "delay", "seconds": 0.5}}
RECORDINGS = 60
PATIENCE_MS = 60_000
WORDS = {
    "en": ("Show the plan", "Start", "Pause", "Resume", "This backup is paused", r"All \d+ recordings are in your bucket"),
    "ja": (
        "計画を表示",
        "開始",
        "一時停止",
        "再開",
        "このバックアップは一時停止中です",
        r"\d+ 件はすべてバケットにあります",
    ),
}


@pytest.fixture(scope="module")
def console() -> Iterator[Console]:
    with running(f"--recordings={RECORDINGS}", "--days=25", "--talk=2,5,20", ROKUON_TRANSFERS="2") as console:
        console.sim.control("PUT", "faults", [SLOW])
        console.add_companies()
        console.serve()
        console.work()
        yield console


Admin = Callable[..., Screen]


@pytest.fixture
def admin(console: Console, chromium: Browser) -> Iterator[Admin]:
    """admin(language, ...) opens a browser for a company admin. In the end nothing may have gone wrong."""
    opened: list[Screen] = []
    cookies = console.sign_in([{"email": "admin@people.example", "role": "company_admin"}])

    def admin(language: str, **options: Any) -> Screen:
        opened.append(open_screen(chromium, console, cookies["admin@people.example"], language, **options))
        return opened[-1]

    yield admin
    for screen in opened:
        screen.close()
    assert [problem for screen in opened for problem in screen.problems] == []


def test_from_the_plan_to_the_last_recording_with_a_pause_in_between(console: Console, admin: Admin) -> None:
    plan, start, pause, resume, paused, done = WORDS["en"]
    screen = admin("en")
    page = screen.page
    screen.goto("/")
    page.locator("nav.places").get_by_role("link", name="Back up now").click()
    page.get_by_role("button", name=plan).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("recordings to fetch")
    page.get_by_role("button", name=start, exact=True).click()
    expect(page.get_by_text("The backup has started")).to_be_visible()

    bar = page.get_by_role("progressbar", name="Progress", exact=True)
    expect(bar).to_have_attribute("value", re.compile(r"[1-9]\d*"), timeout=PATIENCE_MS)
    page.evaluate("window.sameDocument = true")
    before = int(bar.get_attribute("value") or 0)
    expect(bar).not_to_have_attribute("value", str(before), timeout=PATIENCE_MS)
    assert page.evaluate("window.sameDocument"), "the bar moved in place"

    page.get_by_role("link", name=pause).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Pause this backup?")
    page.get_by_role("button", name=pause).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(paused)
    page.wait_for_timeout(3000)
    stored = _stored(console)
    page.wait_for_timeout(2000)
    assert _stored(console) == stored, "a paused backup copies nothing"
    assert stored < RECORDINGS

    page.get_by_role("button", name=resume).click()
    console.sim.control("DELETE", "faults")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(done), timeout=PATIENCE_MS)
    verified = int(re.sub(r"\D", "", page.get_by_role("heading", level=1).inner_text()))
    assert _stored(console) == verified > stored


@pytest.mark.parametrize("script", [pytest.param(True, marks=pytest.mark.slow), False], ids=["on a phone", "without script"])
def test_every_step_in_japanese(console: Console, admin: Admin, script: bool) -> None:
    """Over everything again, cancelled in the end. What axe finds on the way is wrong; it needs script itself."""
    plan, start, pause, resume, paused, _done = WORDS["ja"]
    screen = admin("ja", width=NARROW, bypass_csp=script, java_script_enabled=script)
    page, found = screen.page, []

    def look(heading: str) -> None:
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        if script:
            found.extend(violations(screen))

    screen.goto("/")
    page.locator(".places-button").click()
    page.locator("nav.places").get_by_role("link", name="今すぐバックアップ").click()
    page.get_by_label("すべて確認し直す").check()
    page.get_by_role("button", name=plan).click()
    look("取得する録音は")
    console.sim.control("PUT", "faults", [{"endpoint": "calls", "action": {"kind": "delay", "seconds": 4}}])
    try:
        page.get_by_role("button", name=start, exact=True).click()
        look("録音をバックアップしています")
        page.get_by_role("link", name=pause).click()
        look("このバックアップを一時停止しますか")
        page.get_by_role("button", name=pause).click()
        look(paused)
        page.get_by_role("button", name=resume).click()
        page.get_by_role("link", name="このバックアップを取り消す").click()
        page.get_by_role("button", name="このバックアップを取り消す").click()
        look("このバックアップは取り消されました")
    finally:
        console.sim.control("DELETE", "faults")
    assert found == []


def _stored(console: Console) -> int:
    return len(list((Path(console.rokuon.data) / "buckets").rglob("*.mp3")))
