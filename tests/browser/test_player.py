"""A recording is really heard in Chromium: it plays, it jumps far ahead, and the audit log has one entry for it."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Response

from .conftest import Look, Place
from .screen import Screen

PROGRAM = Path(__file__).with_name("long_recording.py")
MIB = 1024 * 1024
PLAYS_ON = "from => { const a = document.querySelector('audio'); return !a.paused && !a.seeking && a.currentTime > from }"


@pytest.fixture(scope="module")
def recording(place: Place) -> dict[str, Any]:
    made: dict[str, Any] = place.console.python(PROGRAM, {"company": 0})
    return made


def press_play(screen: Screen) -> None:
    """As someone does who has no mouse."""
    screen.page.locator("audio").focus()
    screen.page.keyboard.press("Space")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_recording_plays_and_jumps_beyond_the_first_megabyte_as_one_play(
    place: Place, look: Look, recording: dict[str, Any], language: str
) -> None:
    before = place.console.python(PROGRAM, {"copy": recording["copy"]})
    screen = look("viewer", language)
    answers: list[Response] = []
    screen.page.on("response", lambda answer: answers.append(answer) if answer.url.endswith("/play") else None)
    screen.goto(recording["path"])
    assert answers == []
    press_play(screen)
    screen.page.wait_for_function(PLAYS_ON, arg=0.5)
    length = screen.page.evaluate("document.querySelector('audio').duration")
    far = 0.9 * length
    screen.page.evaluate("to => { document.querySelector('audio').currentTime = to }", far)
    screen.page.wait_for_function(PLAYS_ON, arg=far + 0.3)
    assert {answer.status for answer in answers} == {206}
    assert max(int(answer.headers["content-length"]) for answer in answers) <= MIB
    assert max(int(answer.headers["content-range"].removeprefix("bytes ").partition("-")[0]) for answer in answers) >= 3 * MIB
    screen.page.evaluate("document.querySelector('audio').pause()")
    assert place.console.python(PROGRAM, {"copy": recording["copy"]}) == before + 1


def test_a_player_that_gets_nothing_says_so(look: Look, recording: dict[str, Any]) -> None:
    file = Path(recording["file"])
    file.rename(file.with_suffix(".away"))
    try:
        screen = look("viewer")
        screen.goto(recording["path"])
        said = screen.page.get_by_role("alert")
        assert not said.is_visible()
        press_play(screen)
        said.wait_for()
        assert "cannot be played right now" in said.inner_text()
        # The answer was to be a 502 here, and Chromium reports it.
        screen.problems.clear()
    finally:
        file.with_suffix(".away").rename(file)
