"""The demo as a visitor plays it: from the printed link to "won" in a few clicks, in both languages, with the printed password."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, expect

from tests.cli.conftest import Rokuon, interrupt
from tests.conftest import short_folder

from .rig import free_port
from .screen import NARROW, WIDE

PATIENCE_MS = 90_000
SAID = {
    "en": {
        "sign in": "Sign in",
        "failures": "Failures by cause",
        "retry": "Retry this cause",
        "all": "in your bucket",
        "old": "Invitation not followed",
        "continue": "Continue",
        "your turn done": "the demo is won",
        "won": "Won: nothing is left to fix.",
        "password": r"It is: (\S+)$",
    },
    "ja": {
        "sign in": "サインイン",
        "failures": "原因別の失敗",
        "retry": "この原因を再実行",
        "all": "バケットにあります",
        "old": "招待の期限切れ",
        "continue": "続ける",
        "your turn done": "デモは成功です",
        "won": "成功：直すものはもうありません。",
        "password": r"パスワード: (\S+)$",
    },
}


@dataclass
class PlayedDemo:
    process: "subprocess.Popen[str]"
    said: str

    def until(self, words: str) -> None:
        """Read on to the line with these words."""
        assert self.process.stdout is not None
        line = ""
        while words not in line:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line

    def find(self, pattern: str) -> str:
        found = re.search(pattern, self.said, re.MULTILINE)
        assert found, self.said
        return found[1]


@contextmanager
def playing(language: str) -> Iterator[PlayedDemo]:
    outer = short_folder()
    demo = Rokuon(outer, outer / "demo-data", ROKUON_LANGUAGE=language, ROKUON_LISTEN=f"127.0.0.1:{free_port()}")
    process = demo.start("demo", "--recordings", "60")
    try:
        yield PlayedDemo(process, "")
        assert interrupt(process).code == 0
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate()


@pytest.mark.parametrize(("language", "width"), [pytest.param("en", WIDE, marks=pytest.mark.slow), ("ja", NARROW)])
def test_a_visitor_wins_the_demo_in_three_clicks(chromium: Browser, language: str, width: int) -> None:
    words = SAID[language]
    with playing(language) as demo:
        demo.until(words["your turn done"])
        context = chromium.new_context(locale=language, viewport={"width": width, "height": 900})
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(demo.find(r"^  (http://127\.0\.0\.1:\d+/link/\S+)$"))
        page.get_by_role("main").get_by_role("button", name=words["sign in"]).click()
        failing = page.get_by_role("region", name=words["failures"])
        expect(failing).to_be_visible(timeout=PATIENCE_MS)

        page.goto(demo.find(r"^  (http://\S+/failures/failed/\S+)$"))
        page.get_by_role("button", name=words["retry"]).click()
        page.wait_for_url("**/failures/retried/**")
        demo.until(words["won"])

        page.goto(page.url.partition("/failures/")[0] + "/")
        expect(failing).to_have_count(0, timeout=PATIENCE_MS)
        expect(page.get_by_role("heading", level=1)).to_contain_text(words["all"], timeout=PATIENCE_MS)

        page.goto(page.url + "people/")
        expect(page.get_by_role("main")).not_to_contain_text(words["old"])
        page.goto(page.url.partition("/c/")[0] + "/account/confirm/?next=/")
        page.locator("input[type=password]").fill(demo.find(words["password"]))
        page.get_by_role("button", name=words["continue"]).click()
        expect(page.locator("input[type=password]")).to_have_count(0, timeout=PATIENCE_MS)
        context.close()
