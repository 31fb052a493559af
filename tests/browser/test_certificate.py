"""The certificate in a browser: with days in both languages and widths, from the keyboard, without JavaScript, and on paper."""

from datetime import UTC, datetime, timedelta

import pytest

from .conftest import Look, Place
from .screen import NARROW, WIDE
from .test_every_page import violations


def url(place: Place, days: bool = True) -> str:
    today = datetime.now(UTC).date()
    asked = f"?of=company&since={today - timedelta(days=40)}&until={today - timedelta(days=2)}" if days else ""
    return f"/c/{place.values['company']}/certificate/{asked}"


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_it_fits_the_screen_and_axe_finds_nothing(place: Place, look: Look, language: str, width: int) -> None:
    screen = look("admin", language, bypass_csp=True)
    screen.page.set_viewport_size({"width": width, "height": 844})
    screen.goto(url(place))
    assert screen.page.locator("#limits").is_visible()
    assert violations(screen) == []
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_person_asks_for_it_and_downloads_it_without_script(place: Place, look: Look) -> None:
    screen = look("admin", "en", java_script_enabled=False)
    screen.goto(url(place, days=False))
    screen.page.get_by_role("button", name="Show the certificate").click()
    assert screen.page.locator("#sum").is_visible()
    with screen.page.expect_download() as caught:
        screen.page.get_by_role("button", name="Download as HTML").click()
    assert caught.value.suggested_filename.endswith(".html")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_on_paper_it_has_a_head_its_tables_and_no_control(place: Place, look: Look, language: str) -> None:
    screen = look("admin", language)
    screen.goto(url(place))
    screen.page.emulate_media(media="print")
    screen.page.set_viewport_size({"width": 700, "height": 900})  # as wide as a sheet
    assert screen.page.locator(".print-head").is_visible()
    for hidden in ("main form", "main button", ".topbar"):
        assert not any(one.is_visible() for one in screen.page.locator(hidden).all())
    assert screen.page.locator("#sum ~ .scroll thead").first.is_visible()
    assert screen.page.evaluate("getComputedStyle(document.querySelector('.certificate tbody tr')).display") == "table-row"
    assert screen.page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
