"""Every page that the router knows, looked at in Chromium: nothing refused by the security policy, nothing that axe finds."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from .conftest import Look, Place
from .screen import NARROW, WIDE, Screen


def whole_pages(place: Place, screen: Screen, who: str = "admin") -> list[str]:
    """The paths of whole pages; the others are data, or parts that a page asks for by itself or shows in a frame (a mail)."""
    found = []
    for path in place.paths(who):
        answer = screen.context.request.get(screen.address + path)
        if "frame-ancestors 'self'" in answer.headers.get("content-security-policy", ""):
            continue
        if "/aside/" in path and answer.status == 404:
            continue  # of this recording nothing was kept aside
        if answer.headers.get("content-type", "").startswith("text/html") and answer.text().lstrip().lower().startswith("<!doctype"):
            assert answer.status in ((200,) if who else (200, 403, 404, 410)), f"{path}: {answer.status}"
            assert "/account/confirm/" not in answer.url or path == "/account/confirm/", f"{path}: who it is was asked again"
            found.append(path)
    return found


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("who", ["admin", ""])
def test_no_page_breaks_the_security_policy_or_is_wider_than_the_screen(place: Place, look: Look, who: str, language: str) -> None:
    screen = look(who, language)
    wide, paths = [], whole_pages(place, screen, who)
    for path in paths:
        screen.goto(path)
        assert screen.page.locator("html").get_attribute("lang") == language, path
        for width in (WIDE, NARROW):
            screen.page.set_viewport_size({"width": width, "height": 844})
            if (needs := screen.page.evaluate("document.documentElement.scrollWidth")) > width:
                wide.append(f"{path} at {width} needs {needs}")
    assert paths
    assert wide == []


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("who", ["admin", ""])
def test_axe_finds_nothing_on_any_page_in_light_and_dark(place: Place, look: Look, who: str, language: str) -> None:
    screen = look(who, language, bypass_csp=True)
    found = []
    for path in whole_pages(place, screen, who):
        screen.goto(path)
        for scheme in ("light", "dark"):
            screen.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found += [f"{path} ({scheme}) {said}" for said in _violations(screen)]
    assert not found, "\n".join(found)


def _violations(screen: Screen) -> list[str]:
    results: dict[str, Any] = Axe().run(screen.page).response
    return [f"{one['id']}: {one['help']}: {node['html'][:200]}" for one in results["violations"] for node in one["nodes"]]
