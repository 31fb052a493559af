"""Every page that the router knows, looked at in Chromium by whoever may: the security policy refuses nothing, axe finds nothing."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from .conftest import Look, Place
from .screen import LANGUAGES, Screen
from .turns import TURNS, of_office, turns

AXE = {"rules": {"target-size": {"enabled": True}}, "resultTypes": ["violations"]}
"""Beyond axe's defaults: targets of 24 px or with that much room (WCAG 2.5.8). What passed is not listed: that takes most of the time."""


def whole_pages(place: Place, screen: Screen, who: str = "admin") -> list[str]:
    """The paths of whole pages, found once for each person; the others are data, or parts that a page asks for by itself or shows in
    a frame (a mail).

    A company admin who is an operator sees every page; of others, what they may not see is left out.
    """
    if who not in place.whole_pages:
        place.whole_pages[who] = _whole_pages(place, screen, who)
    return place.whole_pages[who]


def _whole_pages(place: Place, screen: Screen, who: str) -> list[str]:
    found = []
    for path in place.paths(who):
        answer = screen.context.request.get(screen.address + path)
        if "frame-ancestors 'self'" in answer.headers.get("content-security-policy", ""):
            continue
        if "/aside/" in path and answer.status == 404:
            continue  # of this recording nothing was kept aside
        if who not in ("", "admin") and answer.status in (403, 404):
            continue
        if answer.headers.get("content-type", "").startswith("text/html") and answer.text().lstrip().lower().startswith("<!doctype"):
            assert answer.status in ((200,) if who else (200, 403, 404, 410)), f"{path}: {answer.status}"
            assert "/account/confirm/" not in answer.url or path == "/account/confirm/", f"{path}: who it is was asked again"
            found.append(path)
    return found


@TURNS
@pytest.mark.parametrize("who", ["admin", pytest.param("office", marks=pytest.mark.slow), ""])
def test_axe_finds_nothing_on_any_page(place: Place, look: Look, who: str, turn: int) -> None:
    screens = {language: look(who, language, bypass_csp=True) for language in LANGUAGES}
    found, paths = [], of_office(whole_pages(place, screens["en"], who), who, turn)
    for path, language, width, scheme in turns(paths, turn):
        screen = screens[language]
        screen.page.set_viewport_size({"width": width, "height": 844})
        screen.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        screen.goto(path)
        assert screen.page.locator("html").get_attribute("lang") == language, path
        found += [f"{path} ({language}, {width}, {scheme}) {said}" for said in violations(screen)]
    assert paths
    assert not found, "\n".join(found)


def test_axe_notices_what_is_planted(look: Look) -> None:
    screen = look("guest", bypass_csp=True)
    screen.goto("/shortcuts/")
    assert violations(screen) == []
    screen.page.evaluate("""() => document.querySelector('main').insertAdjacentHTML('beforeend',
        '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw="><p style="color: #999; background: #fff">pale</p>')""")
    assert {said.partition(":")[0] for said in violations(screen)} >= {"image-alt", "color-contrast"}


def violations(screen: Screen) -> list[str]:
    results: dict[str, Any] = Axe().run(screen.page, options=AXE).response
    return [f"{one['id']}: {one['help']}: {node['html'][:200]}" for one in results["violations"] for node in one["nodes"]]
