"""Whatever people call their centers, agents and files: on every page it is text (Q33)."""

from pathlib import Path
from typing import Any

import pytest

from .conftest import Look, Place
from .screen import LANGUAGES, Screen
from .turns import TURNS, turns

HOSTILE = Path(__file__).with_name("hostile.py")
ALARM = """window.__xss = () => { document.documentElement.dataset.xss = 'run'; console.error('a name was run'); };
try { parent.__xss = window.__xss; } catch { /* a mail in its frame reaches nobody */ }"""
PLANTED = """() => [...document.querySelectorAll('*')].flatMap(one => [
  ...[...one.attributes].filter(it => it.name.startsWith('on') || it.name.startsWith('hx-on') || /^\\s*javascript:/i.test(it.value))
     .map(it => `${one.tagName} ${it.name}=${it.value.slice(0, 60)}`),
  ...(one.matches('iframe, object, embed, base, math, [srcdoc], img[src="x"], meta[http-equiv=refresh]') &&
      !one.matches('.mail-frame[sandbox=""][src^="/c/"]') ? [one.tagName] : []),
])"""


@pytest.fixture(scope="package")
def attacked(place: Place) -> dict[str, Any]:
    """The second company, in which everything has a name of attack."""
    return dict(place.console.python(HOSTILE, 1))


@pytest.fixture(scope="package")
def ends_at() -> dict[str, str]:
    """Of each page that may be shown, the address at which a request ends that runs no script."""
    return {}


def ends_of_pages(screen: Screen, paths: list[str]) -> dict[str, str]:
    found = {}
    for path in paths:
        answer = screen.context.request.get(screen.address + path)
        if not answer.headers.get("content-type", "").startswith("text/html"):
            continue
        if "/aside/" in path and answer.status == 404:
            continue  # of this recording nothing was kept aside
        assert answer.status in (200, 403), path
        found[path] = answer.url
    return found


@TURNS
def test_no_name_is_more_than_text_on_any_page(
    place: Place, attacked: dict[str, Any], ends_at: dict[str, str], look: Look, turn: int
) -> None:
    screens = {language: look("other", language) for language in LANGUAGES}
    for screen in screens.values():
        screen.context.add_init_script(ALARM)
    if not ends_at:
        ends_at.update(ends_of_pages(screens["en"], place.paths("other", attacked)))
    planted, shown = [], 0
    for path, language, _width, _scheme in turns(list(ends_at), turn):
        screen = screens[language]
        screen.goto(path)
        screen.page.mouse.move(200, 200)
        screen.page.keyboard.press("Tab")
        planted += [f"{path}: {said}" for said in screen.page.evaluate(PLANTED)]
        shown += "__xss" in (screen.page.text_content("body") or "")
        assert screen.page.locator("html").get_attribute("data-xss") is None, path
        assert screen.page.url == ends_at[path], "a name led elsewhere"
    assert planted == []
    assert shown > 5, "the names are on the pages"
