"""Small screens: nothing is cut, controls are large enough for a finger, tables are cards, and the menu says where one is."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import Look, Place
from .screen import LANGUAGES
from .test_every_page import violations, whole_pages
from .turns import TURNS, of_office, turns

PROBE = Path(__file__).with_name("layout_probe.js").read_text()
NARROWEST, PHONE, WIDE = 320, 390, 1280


@TURNS
@pytest.mark.parametrize("who", ["admin", pytest.param("office", marks=pytest.mark.slow), ""])
def test_nothing_is_cut_too_small_or_beyond_the_screen_on_any_page(place: Place, look: Look, who: str, turn: int) -> None:
    screens = {language: look(who, language) for language in LANGUAGES}
    problems, paths = [], of_office(whole_pages(place, screens["en"], who), who, turn)
    for path, language, _width, scheme in turns(paths, turn):
        screen = screens[language]
        screen.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        screen.goto(path)
        for width in (WIDE, PHONE, NARROWEST):
            screen.page.set_viewport_size({"width": width, "height": 844})
            problems += [f"{path} ({language}) at {width}: {said}" for said in screen.page.evaluate(PROBE)]
    assert paths
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(
    "style", ["width: 9em; overflow: hidden; white-space: nowrap", "margin-left: 90vw; width: 30vw", "height: 4px; overflow: clip"]
)
def test_the_probe_notices_text_that_is_cut_or_beyond_the_screen(look: Look, style: str) -> None:
    screen = look("admin", width=PHONE)
    screen.goto("/shortcuts/")
    assert screen.page.evaluate(PROBE) == []
    plant = """style => {
        const one = document.createElement('p');
        one.textContent = 'a text that is longer than its box';
        one.style = style;
        document.querySelector('main').append(one);
    }"""
    screen.page.evaluate(plant, style)
    assert screen.page.evaluate(PROBE) != []


def test_the_probe_notices_a_button_too_small_for_a_finger_and_a_table_that_is_no_cards(look: Look) -> None:
    screen = look("admin", width=PHONE)
    screen.goto("/shortcuts/")
    screen.page.evaluate("""() => {
        document.querySelector('main button').style.cssText = 'height: 20px; padding: 0; overflow: visible';
        document.querySelector('table').classList.remove('stacked');
    }""")
    said = " ".join(screen.page.evaluate(PROBE))
    assert "too small" in said
    assert "not stacked" in said


@pytest.mark.parametrize("script", [True, False])
def test_the_menu_of_a_phone_says_where_one_is_opens_leads_elsewhere_and_closes(place: Place, look: Look, script: bool) -> None:
    screen = look("admin", width=PHONE, java_script_enabled=script)
    page = screen.page
    screen.goto(f"/c/{place.values['company']}/failures/")
    opener, menu = (
        page.get_by_role("button", name="Menu Failures"),
        page.get_by_role("navigation", name="Main navigation").get_by_role("link"),
    )
    expect(menu.first).to_be_hidden()
    opener.click()
    expect(menu).to_have_count(11)
    expect(menu.and_(page.locator("[aria-current=page]"))).to_have_text("Failures")
    page.keyboard.press("Escape")
    expect(menu.first).to_be_hidden()
    opener.click()
    page.get_by_role("button", name="Close the menu").click()
    expect(menu.first).to_be_hidden()
    opener.click()
    page.get_by_role("link", name="Recordings", exact=True).click()
    expect(page.get_by_role("button", name="Menu Recordings")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_open_menu(place: Place, look: Look, scheme: str) -> None:
    screen = look("office", "ja", width=NARROWEST, bypass_csp=True, color_scheme=scheme)
    screen.goto(f"/c/{place.values['company']}/failures/")
    screen.page.locator(".places-button").click()
    expect(screen.page.locator(".places-list")).to_be_visible()
    assert violations(screen) == []
    assert screen.page.evaluate(PROBE) == []


def test_on_a_wide_screen_the_navigation_stands_beside_the_page_without_a_button(place: Place, look: Look) -> None:
    screen = look("admin", width=WIDE)
    screen.goto(f"/c/{place.values['company']}/failures/")
    expect(screen.page.get_by_role("link", name="Back up now").first).to_be_visible()
    expect(screen.page.locator(".places-button")).to_be_hidden()


def test_a_row_of_a_table_is_a_card_that_names_each_value_on_a_phone_and_a_row_on_a_wide_screen(place: Place, look: Look) -> None:
    screen = look("admin", "ja", width=PHONE)
    screen.goto(f"/c/{place.values['company']}/audit/")
    cell = screen.page.locator("td[data-label='実行者']").first
    label = "one => getComputedStyle(one, '::before').content + getComputedStyle(one).display"
    assert cell.evaluate(label) == '"実行者："block'
    screen.page.set_viewport_size({"width": WIDE, "height": 844})
    assert cell.evaluate(label) == "nonetable-cell"
